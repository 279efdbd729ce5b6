"""Encodings to measure with: CLKs of made-up people, a million in seconds.

``pair`` gives two data sets as two parties would have them. As in a real CLK, each value sets bits of its own
and a record's bits are those of its values together, so bits depend on each other as real ones do; random
bits would flatter whatever skips pairs. Only the hash differs: numbers drawn from a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks import people
from benchmarks.people import FIELDS, TYPO_SHARE, Field, Values
from chalicelib.linkage.encodings import Encodings

OVERLAP = 0.3
_HASH_SEED = 1
_ROWS = 10_000  # encoded at a time
_LETTERS = 28  # none, a to z, and all others
_MAX_PLACES = 33  # of tokens in a value


@dataclass(frozen=True)
class Pair:
    """Two data sets, (n, size) uint8 each, and the rows of who is in both: (common, 2)."""

    a: Encodings
    b: Encodings
    matches: NDArray[np.int64]


def pair(records: int, size_bytes: int = 128, *, seed: int = 1, overlap: float = OVERLAP) -> Pair:
    """``records`` people a side, ``overlap`` of them in both, there with a typo in 18 % of their fields.

    The same arguments give the same data. A million a side takes some ten seconds and 600 MB.
    """
    random = np.random.default_rng(seed)
    first, second = people.draw(records, random), people.draw(records, random)
    common = int(records * overlap)
    rows_a, rows_b = random.permutation(records)[:common], random.permutation(records)[:common]
    second[rows_b] = first[rows_a]
    a, b = (_encoded(table, size_bytes) for table in (first, second))
    has_typo = random.random((common, len(FIELDS))) < TYPO_SHARE
    for start in range(0, common, _ROWS):
        rows = slice(start, start + _ROWS)
        b[rows_b[rows]] = _damaged(first[rows_a[rows]], has_typo[rows], size_bytes, random)
    return Pair(a, b, np.stack([rows_a, rows_b], axis=1))


def _encoded(table: people.Table, size_bytes: int) -> Encodings:
    encodings = np.zeros((len(table), size_bytes), dtype=np.uint8)
    for column, field in enumerate(FIELDS):
        filters = _vocabulary_filters(field, size_bytes)
        for start in range(0, len(table), _ROWS):
            encodings[start : start + _ROWS] |= filters[table[start : start + _ROWS, column]]
    return encodings


def _damaged(
    table: people.Table, has_typo: NDArray[np.bool_], size_bytes: int, random: np.random.Generator
) -> Encodings:
    encodings = np.zeros((len(table), size_bytes), dtype=np.uint8)
    for column, field in enumerate(FIELDS):
        places = table[:, column]
        filters = _vocabulary_filters(field, size_bytes)[places]
        typos = np.flatnonzero(has_typo[:, column])
        values = people.vocabulary(field)[places[typos]]
        filters[typos] = value_filters(field, people.damaged(values, random), size_bytes)
        encodings |= filters
    return encodings


@cache
def _vocabulary_filters(field: Field, size_bytes: int) -> Encodings:
    return value_filters(field, people.vocabulary(field), size_bytes)


def value_filters(field: Field, values: Values, size_bytes: int) -> Encodings:
    """The bits that each value sets, (n, size) uint8: the field's share of bits, dealt to the value's tokens.

    An empty value sets none.
    """
    filters = np.zeros((len(values), size_bytes), dtype=np.uint8)
    tokens, counts = _tokens(field, values)
    positions = _positions(field, size_bytes)
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        for some in np.array_split(rows, -(-len(rows) // _ROWS)):
            bits = np.zeros((len(some), 8 * size_bytes), dtype=np.bool_)
            of_all, more = divmod(positions.shape[1], int(count))
            for place in range(count):
                chosen = positions[tokens[some, place], : of_all + (place < more)]
                np.put_along_axis(bits, chosen, True, axis=1)
            filters[some] = np.packbits(bits, axis=1)
    return filters


@cache
def _positions(field: Field, size_bytes: int) -> NDArray[np.int64]:
    """For every token that there can be, the bits it may set, in the order in which it sets them."""
    random = np.random.default_rng((_HASH_SEED, *field.name.encode()))
    count = _LETTERS**2 * (_MAX_PLACES if field.tokens == "pairs of digits" else 1)
    bits = round(field.bits * size_bytes / 128)
    return random.integers(0, 8 * size_bytes, (count, bits))


def _tokens(field: Field, values: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens of each value, (n, 33), of which only the first so many count: (n,)."""
    letters = values.view(np.uint8).reshape(len(values), values.itemsize).astype(np.int64)
    lengths = np.char.str_len(values).astype(np.int64)
    if field.tokens == "whole":
        weights = np.arange(1, letters.shape[1] + 1)
        return (letters * weights).sum(axis=1, keepdims=True) % _LETTERS**2, np.minimum(lengths, 1)
    if field.tokens == "digits":
        places = np.arange(letters.shape[1])
        return (places * 10 + letters % 10) % _LETTERS**2, lengths
    codes = np.pad(_codes(letters, field), ((0, 0), (1, 1)))
    tokens = codes[:, :-1] * _LETTERS + codes[:, 1:]
    if field.tokens == "pairs of digits":
        tokens += np.arange(tokens.shape[1]) * _LETTERS**2
    return tokens, np.where(lengths > 0, lengths + 1, 0)


def _codes(letters: NDArray[np.int64], field: Field) -> NDArray[np.int64]:
    if field.tokens == "pairs of digits":
        return np.where(letters > 0, letters % 10 + 1, 0)
    is_letter = (letters >= ord("a")) & (letters <= ord("z"))
    return np.where(is_letter, letters - ord("a") + 1, np.where(letters > 0, _LETTERS - 1, 0))
