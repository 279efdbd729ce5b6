"""anonlink's own pipeline: what every way of linking here is held against."""

from __future__ import annotations

from typing import Any

import numpy as np
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient_accelerated
from anonlink.solving import greedy_solve
from bitarray import bitarray


def anonlink_pairs(datasets: list[np.ndarray], threshold: float) -> Any:
    """The oracle: anonlink's own candidate pairs of the data sets."""
    as_bits = []
    for rows in datasets:
        filters = [bitarray(endian="big") for _ in rows]
        for bits, row in zip(filters, rows, strict=True):
            bits.frombytes(row.tobytes())
        as_bits.append(filters)
    return find_candidate_pairs(as_bits, dice_coefficient_accelerated, threshold)


def anonlink_groups(datasets: list[np.ndarray], threshold: float) -> set[frozenset[tuple[int, int]]]:
    groups = greedy_solve(anonlink_pairs(datasets, threshold))
    return as_sets([[list(record) for record in group] for group in groups])


def anonlink_scores(datasets: list[np.ndarray], threshold: float) -> list[list[Any]]:
    scores, _, (rows_a, rows_b) = anonlink_pairs(datasets, threshold)
    return [[[0, a], [1, b], score] for score, a, b in zip(scores, rows_a, rows_b, strict=True)]


def as_sets(groups: list[list[list[int]]]) -> set[frozenset[tuple[int, int]]]:
    return {frozenset((dataset, record) for dataset, record in group) for group in groups}
