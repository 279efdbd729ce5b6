"""Comparing encodings: all pairs of rows in given rectangles whose Dice reaches the threshold.

``compare`` is for one rectangle, all rows of one array against all of another; ``compare_blocks`` for
many, as blocking makes them. ``merging`` takes what they give. ``kernel`` compares; large work is shared
among ``processes``.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates, concatenate, sort_candidates
from chalicelib.linkage.encodings import Encodings
from chalicelib.linkage.kernel import prepare
from chalicelib.linkage.merging import without_repeats
from chalicelib.linkage.processes import run_in_processes
from chalicelib.linkage.rectangles import Rectangle, cost, shares

# Forking and collecting takes some 12 ms, in which one process does 3 million comparisons: with two
# processes it pays from twice that on.
MIN_FORK_COMPARISONS = 6_000_000


def compare(
    encodings_a: Encodings,
    encodings_b: Encodings,
    threshold: float,
    *,
    dataset_a: int,
    dataset_b: int,
    offset_a: int = 0,
    offset_b: int = 0,
    processes: int = 1,
) -> Candidates:
    """Every pair with Dice ≥ ``threshold``, in the order of ``sort_candidates``.

    Row i of ``encodings_a``, (n, size) uint8, is record ``offset_a`` + i of ``dataset_a``; likewise b.
    Scores are those of ``anonlink.similarities.dice_coefficient_accelerated``; pairs are a superset of
    its pairs by those that score exactly the threshold and fall to its rounding (and, for thresholds
    below some 1e-5, by those that fall to an overflow there). Two rows without a
    bit set match at threshold 0 only.

    ``processes`` > 1 shares large inputs among that many forked processes; the result is the same.

    Raises ValueError for sizes that differ or are no multiple of 8 bytes and for a threshold outside
    [0, 1]; ComparisonFailed when a forked process fails.

    O(n * m). Memory grows with hits alone: 24 bytes each in the result, up to five times that while
    it is put together and sorted, and at most 50 MB a process for the tile at hand.
    """
    whole = (0, len(encodings_a), 0, len(encodings_b))
    candidates = _find(encodings_a, encodings_b, [whole], threshold, processes)
    candidates["dataset_a"], candidates["dataset_b"] = dataset_a, dataset_b
    candidates["record_a"] += np.uint32(offset_a)
    candidates["record_b"] += np.uint32(offset_b)
    return sort_candidates(candidates)


def compare_blocks(
    encodings_a: Encodings,
    encodings_b: Encodings,
    rectangles: list[Rectangle],
    threshold: float,
    *,
    dataset_a: int,
    dataset_b: int,
    records_a: NDArray[np.uint32],
    records_b: NDArray[np.uint32],
    processes: int = 1,
) -> Candidates:
    """As ``compare``, but within the rectangles of rows alone, and each pair of records once.

    Row i of ``encodings_a`` is record ``records_a[i]``, uint32 (n,); several rows may be one record,
    with equal encodings. Any number of rectangles costs one set-up, and some 2.5 µs each.
    """
    candidates = _find(encodings_a, encodings_b, rectangles, threshold, processes)
    candidates["dataset_a"], candidates["dataset_b"] = dataset_a, dataset_b
    candidates["record_a"] = records_a[candidates["record_a"]]
    candidates["record_b"] = records_b[candidates["record_b"]]
    candidates = sort_candidates(candidates)  # the unsorted ones are let go before more is made
    return without_repeats(candidates)


def _find(
    encodings_a: Encodings,
    encodings_b: Encodings,
    rectangles: list[Rectangle],
    threshold: float,
    processes: int,
) -> Candidates:
    """The hits in no order; records are rows, datasets are left 0."""
    compare_share = prepare(encodings_a, encodings_b, threshold)
    if processes > 1 and cost(rectangles) >= MIN_FORK_COMPARISONS:
        jobs = [partial(compare_share, share) for share in shares(rectangles, processes)]
        return concatenate(run_in_processes(jobs))
    return concatenate(compare_share(rectangles))
