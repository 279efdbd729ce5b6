"""docs/tutorial.md works as it is written, its commands typed one after another."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.unit.docs.typing_commands import type_commands

PAGE = Path(__file__).parents[3] / "docs" / "tutorial.md"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="the tutorial uses curl")


@pytest.fixture(scope="module")
def tutorial(stack, tmp_path_factory):
    """What the commands printed, and the directory that they worked in."""
    directory = tmp_path_factory.mktemp("tutorial")
    return type_commands(PAGE, "bash", stack, directory), directory


def test_the_run_completes(tutorial):
    _, directory = tutorial

    assert json.loads((directory / "status.json").read_text())["state"] == "completed"


def test_the_printed_matches_are_those_of_the_page(tutorial):
    output, _ = tutorial

    shown = re.findall(r"^[a-z ]+ \d{8} .* = .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    printed = {line.strip() for line in output.splitlines() if " = " in line}
    assert len(shown) == 7
    assert printed == set(map(str.strip, shown))


def test_blocking_compares_as_little_as_the_page_says(tutorial):
    output, _ = tutorial

    assert "by 7 comparisons instead of 16" in PAGE.read_text(encoding="utf-8")
    assert "7" in output.splitlines()
