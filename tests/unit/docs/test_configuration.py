"""docs/configuration.md has a row for every setting, with its default, and no other."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from chalicelib.config import Settings

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
SECTIONS_OF_SETTINGS = ("Stores", "Workflow", "Chunks", "Limits")


def rows() -> dict[str, str]:
    """Variable → default, as the page has them."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    described = [section for section in sections if section.startswith(SECTIONS_OF_SETTINGS)]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", "\n".join(described), flags=re.MULTILINE))


def written(default: object) -> str:
    if default is MISSING:
        return "required"
    if default == "":
        return "empty"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_setting_is_described_and_nothing_else():
    assert set(rows()) == {field.name.upper() for field in fields(Settings)}


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_defaults_are_those_of_the_code(field):
    assert rows()[field.name.upper()] == written(field.default)
