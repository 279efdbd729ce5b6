"""The demo's data and truth."""

from __future__ import annotations

import pytest

from demo import febrl4
from demo.errors import DemoError

HEADING = ", ".join(("rec_id", *febrl4.FIELDS, "soc_sec_id"))
ORIGINALS = """\
rec-1070-org, michaela, neumann, 8, stanley street, miami, winston hills, 4223, nsw, 19151111, 5304218
rec-5-org, courtney, painter, 12, pinkerton circuit, bega flats, richlands, 4560, vic, 19161214, 4066625
"""
COPIES = """\
rec-5-dup-0, courtny, , 12, pinkerton circuit, , richlands, 4560, vic, 19161214, 4066625
rec-1070-dup-0, michaela, neuman, 8, stanley street, miami, winston hills, 4223, nsw, 19151111, 5304218
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    for letter, records in (("a", ORIGINALS), ("b", COPIES)):
        (tmp_path / f"{letter}.csv").write_text(f"{HEADING}\n{records}")
    monkeypatch.setattr(febrl4, "_file", lambda letter: tmp_path / f"{letter}.csv")


def test_rows_hold_neither_the_truth_nor_the_social_security_number(data):
    originals, _ = febrl4.load()

    assert originals.rows[0] == (
        "michaela", "neumann", "8", "stanley street", "miami", "winston hills", "4223", "nsw", "19151111"
    )  # fmt: skip


def test_missing_values_are_empty(data):
    _, copies = febrl4.load()

    assert copies.rows[0][1] == ""


def test_entities_tell_who_is_who(data):
    originals, copies = febrl4.load()

    assert originals.entities == [1070, 5]
    assert copies.entities == [5, 1070]


def test_a_few_people_come_with_their_copies(data):
    originals, copies = febrl4.load(1)

    assert (originals.entities, copies.entities) == ([1070], [1070])
    assert copies.rows[0][1] == "neuman"


def test_missing_data_says_what_to_do(monkeypatch):
    def not_installed(name):
        raise febrl4.PackageNotFoundError(name)

    monkeypatch.setattr(febrl4, "distribution", not_installed)

    with pytest.raises(DemoError, match="make setup"):
        febrl4.load()
