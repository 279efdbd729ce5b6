"""Made-up people: tables of field values, drawn so that encodings of them are like those of real people.

A table is (n, fields) of numbers, each a value's place in its field's vocabulary. Names come by their
frequency, half of them out of FEBRL4 and half out of the lists of ``clkhash``; suburb, postcode and state are
drawn together; some people live with others of their surname. Copies of a table's rows can be damaged.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from demo import febrl4

FAMILY_SHARE = 0.15  # live with the person before them, and have the surname
TYPO_SHARE = 0.18  # of the fields of a damaged record
_VALUE_BYTES = 32

Table = NDArray[np.uint32]
"""A value's place in its field's vocabulary for each person and field: (n, fields)."""

Values = NDArray[np.bytes_]
"""Texts of at most 32 bytes: (n,)."""


@dataclass(frozen=True)
class Field:
    """How a field is encoded: in ``bits`` of 1024, by its bigrams, its digits with their places or whole."""

    name: str
    bits: int
    tokens: Literal["bigrams", "digits", "pairs of digits", "whole"]


FIELDS = (
    Field("given_name", 100, "bigrams"),
    Field("surname", 100, "bigrams"),
    Field("street_number", 50, "digits"),
    Field("address_1", 100, "bigrams"),
    Field("suburb", 100, "bigrams"),
    Field("postcode", 70, "digits"),
    Field("state", 40, "whole"),
    Field("date_of_birth", 120, "pairs of digits"),
)
_PLACE = {field.name: place for place, field in enumerate(FIELDS)}
_HOUSEHOLD = np.array(
    [place for name, place in _PLACE.items() if name not in ("given_name", "date_of_birth")]
)
_TOGETHER = ("suburb", "postcode", "state")


@dataclass(frozen=True)
class _Vocabulary:
    values: Values
    shares: NDArray[np.float64]

    def draw(self, count: int, random: np.random.Generator) -> NDArray[np.uint32]:
        edges = np.cumsum(self.shares)
        places = np.searchsorted(edges, random.random(count) * edges[-1], side="right")
        return np.minimum(places, len(edges) - 1).astype(np.uint32)


def vocabulary(field: Field) -> Values:
    """All values of a field."""
    return _vocabularies()[field.name].values


def draw(count: int, random: np.random.Generator) -> Table:
    """``count`` people."""
    columns = [_vocabularies()[field.name].draw(count, random) for field in FIELDS]
    table = np.stack(columns, axis=1)
    addresses = _localities()[random.integers(0, len(_localities()), count)]
    table[:, [_PLACE[name] for name in _TOGETHER]] = addresses
    relatives = 1 + np.flatnonzero(random.random(count)[1:] < FAMILY_SHARE)
    table[np.ix_(relatives, _HOUSEHOLD)] = table[np.ix_(relatives - 1, _HOUSEHOLD)]
    return table


def damaged(values: Values, random: np.random.Generator) -> Values:
    """Copies of texts, each with one letter replaced (half of them), left out, or (a fifth) empty."""
    count, columns = len(values), np.arange(_VALUE_BYTES)
    letters = values.view(np.uint8).reshape(count, _VALUE_BYTES)
    lengths = np.char.str_len(values)
    places = (random.random(count) * lengths).astype(np.int64)
    is_hit = (columns == places[:, None]) & (columns < lengths[:, None])
    digits, others = random.integers(48, 58, (count, 1)), random.integers(97, 123, (count, 1))
    replaced = np.where(is_hit, np.where(letters < 58, digits, others), letters)
    after = np.minimum(columns + (columns >= places[:, None]), _VALUE_BYTES - 1)
    without = np.take_along_axis(letters, after, axis=1)
    kind = random.random((count, 1))
    changed = np.where(kind < 0.5, replaced, np.where(kind < 0.8, without, 0))
    return changed.astype(np.uint8).view(f"S{_VALUE_BYTES}")[:, 0]


@cache
def _febrl4_rows() -> list[dict[str, str]]:
    originals, copies = febrl4.load()
    return [dict(zip(febrl4.FIELDS, row, strict=True)) for row in (*originals.rows, *copies.rows)]


@cache
def _vocabularies() -> dict[str, _Vocabulary]:
    found = {}
    for field in FIELDS:
        counts = Counter(row[field.name] for row in _febrl4_rows())
        found[field.name] = _weighed([(counts, 1.0)])
    given = _names("female-first-names.csv") + _names("male-first-names.csv")
    for name, listed in (("given_name", given), ("surname", _names("last-names.csv"))):
        counts = Counter(row[name] for row in _febrl4_rows())
        found[name] = _weighed([(counts, 0.5), (listed, 0.5)])
    days = np.arange(np.datetime64("1920-01-01"), np.datetime64("2010-01-01")).astype(str)
    found["date_of_birth"] = _weighed([(Counter(day.replace("-", "") for day in days), 1.0)])
    return found


def _weighed(counts: Sequence[tuple[Counter[str], float]]) -> _Vocabulary:
    shares: defaultdict[str, float] = defaultdict(float)
    for counter, weight in counts:
        total = counter.total()
        for text, number in counter.items():
            shares[text] += weight * number / total
    texts = sorted(shares)
    return _Vocabulary(_as_values(texts), np.array([shares[text] for text in texts]))


def _as_values(texts: Iterable[str]) -> Values:
    return np.array([text.encode() for text in texts], dtype=f"S{_VALUE_BYTES}")


def _names(file: str) -> Counter[str]:
    """Names and how often each was counted; a file may or may not have a heading."""
    path = Path(str(distribution("clkhash").locate_file(f"clkhash/data/{file}")))
    with path.open(newline="", encoding="utf-8") as lines:
        return Counter({name.lower(): int(count) for name, count in csv.reader(lines) if count.isdigit()})


@cache
def _localities() -> Table:
    """Places of suburb, postcode and state in their vocabularies, a row for each address of FEBRL4."""
    columns = []
    for name in _TOGETHER:
        values = _as_values(row[name] for row in _febrl4_rows())
        columns.append(np.searchsorted(_vocabularies()[name].values, values))
    return np.stack(columns, axis=1).astype(np.uint32)
