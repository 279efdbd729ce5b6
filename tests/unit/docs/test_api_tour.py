"""docs/api.md works as it is written, its commands typed one after another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.unit.docs.typing_commands import type_commands

PAGE = Path(__file__).parents[3] / "docs" / "api.md"

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq")), reason="the tour uses curl and jq"
)


@pytest.fixture(scope="module")
def tour(stack, tmp_path_factory):
    """What the commands printed, and the directory that they worked in."""
    directory = tmp_path_factory.mktemp("tour")
    return type_commands(PAGE, "sh", stack, directory), directory


def test_no_command_is_answered_by_a_problem(tour):
    output, _ = tour

    assert '"detail"' not in output


def test_the_estimate_and_the_status_say_what_the_page_says(tour):
    _, directory = tour

    assert json.loads((directory / "estimate.json").read_text())["comparisons"] == 10_000
    assert json.loads((directory / "status.json").read_text())["total_number_comparisons"] == 10_000


def test_the_results_are_of_the_forms_that_the_page_shows(tour):
    output, _ = tour

    assert '{"groups":[[[0,0],[1,0]],[[0,1],[1,1]]' in output
    assert "group,dataset,record\n0,0,0\n0,1,0\n" in output
    assert '"scores":[[[[0,0],[1,0],1.0]]]' in output
    assert '{"mask":[1,1,1' in output
    assert '{"permutation":[' in output
