"""Comparing encodings: all pairs of rows in given rectangles whose Dice reaches the threshold.

``compare`` is for one rectangle, all rows of one array against all of another; ``compare_blocks`` for
many, as blocking makes them. ``merging`` takes what they give. ``kernel`` compares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates, sort_candidates
from chalicelib.linkage.encodings import Encodings
from chalicelib.linkage.kernel import find
from chalicelib.linkage.merging import without_repeats
from chalicelib.linkage.rectangles import Rectangle


def compare(
    encodings_a: Encodings,
    encodings_b: Encodings,
    threshold: float,
    *,
    dataset_a: int,
    dataset_b: int,
    offset_a: int = 0,
    offset_b: int = 0,
    workers: int = 1,
) -> Candidates:
    """Every pair with Dice ≥ ``threshold``, in the order of ``sort_candidates``.

    Row i of ``encodings_a``, (n, size) uint8, is record ``offset_a`` + i of ``dataset_a``; likewise b.
    Scores are those of ``anonlink.similarities.dice_coefficient_accelerated``; pairs are a superset of
    its pairs by those that score exactly the threshold and fall to its rounding (and, for thresholds
    below some 1e-5, by those that fall to an overflow there). Two rows without a
    bit set match at threshold 0 only.

    ``workers`` > 1 shares large inputs among that many threads, or processes where the kernel is
    anonlink's; the result is the same.

    Raises ValueError for sizes that differ or are no multiple of 8 bytes and for a threshold outside
    [0, 1]; ``processes.ComparisonFailed`` when a process fails.

    O(n * m) at most. Memory grows with the input and with hits alone: 24 bytes each in the result, up to
    five times that while it is put together and sorted.
    """
    whole = (0, len(encodings_a), 0, len(encodings_b))
    candidates = find(encodings_a, encodings_b, [whole], threshold, workers)
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
    workers: int = 1,
) -> Candidates:
    """As ``compare``, but within the rectangles of rows alone, and each pair of records once.

    Row i of ``encodings_a`` is record ``records_a[i]``, uint32 (n,); several rows may be one record,
    with equal encodings. Any number of rectangles costs one set-up, and a few µs each at most.
    """
    candidates = find(encodings_a, encodings_b, rectangles, threshold, workers)
    candidates["dataset_a"], candidates["dataset_b"] = dataset_a, dataset_b
    candidates["record_a"] = records_a[candidates["record_a"]]
    candidates["record_b"] = records_b[candidates["record_b"]]
    candidates = sort_candidates(candidates)  # the unsorted ones are let go before more is made
    return without_repeats(candidates)
