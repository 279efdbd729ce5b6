"""anonlink's own pipeline: what every way of linking here is held against."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient_accelerated
from anonlink.solving import greedy_solve
from bitarray import bitarray

Blocks = list[list[list[Any]]]
"""Per data set, per record: the names of its blocks."""


def anonlink_pairs(datasets: list[np.ndarray], threshold: float, blocks: Blocks | None = None) -> Any:
    """The oracle: anonlink's own candidate pairs of the data sets, within ``blocks`` if there are any."""
    as_bits = []
    for rows in datasets:
        filters = [bitarray(endian="big") for _ in rows]
        for bits, row in zip(filters, rows, strict=True):
            bits.frombytes(row.tobytes())
        as_bits.append(filters)

    def blocks_of(dataset: int, record: int, _encoding: bitarray) -> set[str]:
        return {str(name) for name in blocks[dataset][record]} if blocks is not None else {""}

    return find_candidate_pairs(as_bits, dice_coefficient_accelerated, threshold, blocking_f=blocks_of)


def anonlink_groups(
    datasets: list[np.ndarray], threshold: float, blocks: Blocks | None = None
) -> set[frozenset[tuple[int, int]]]:
    groups = greedy_solve(anonlink_pairs(datasets, threshold, blocks))
    return as_sets([[list(record) for record in group] for group in groups])


def anonlink_scores(
    datasets: list[np.ndarray], threshold: float, blocks: Blocks | None = None
) -> list[list[Any]]:
    """Of two data sets, in the order and form of a result."""
    scores, _, (rows_a, rows_b) = anonlink_pairs(datasets, threshold, blocks)
    return [[[0, a], [1, b], score] for score, a, b in zip(scores, rows_a, rows_b, strict=True)]


def block_comparisons(blocks: Blocks) -> int:
    """How many comparisons blocking leaves: per pair of data sets and common block, count times count."""
    sizes = [Counter(name for names in records for name in {str(n) for n in names}) for records in blocks]
    return sum(a[name] * b[name] for a, b in combinations(sizes, 2) for name in a)


def as_sets(groups: list[list[list[int]]]) -> set[frozenset[tuple[int, int]]]:
    return {frozenset((dataset, record) for dataset, record in group) for group in groups}


def matches(mask: list[int], permutations: list[list[int]]) -> set[frozenset[tuple[int, int]]]:
    """The pairs that a mask and both parties' permutations tell of together."""
    records = [{place: record for record, place in enumerate(places)} for places in permutations]
    return {
        frozenset((dataset, record[place]) for dataset, record in enumerate(records))
        for place, is_match in enumerate(mask)
        if is_match
    }
