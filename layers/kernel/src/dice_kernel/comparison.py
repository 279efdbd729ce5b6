"""Comparing records: all pairs of two sides, or those within rectangles of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dice_kernel._library import HitList, Hits, address, check, checked_sides, isa_number, library


def compare(a: NDArray[np.uint8], b: NDArray[np.uint8], threshold: float, *, threads: int = 1) -> Hits:
    """Every pair with Dice ≥ ``threshold``: scores float64, rows of a and of b uint32, each (hits,).

    ``a`` is (n, size) uint8 and ``b`` (m, size), a record a row; size is a multiple of 8 bytes up to 1024.
    A score is 2 * overlap / (bits of one + bits of the other) in float64, as anonlink computes it. Each
    pair is there once; pairs are in no order, and not in the same one in every call with threads. Records
    without a bit set score 0, with each other too, so they match at threshold 0 only.

    ``threads`` share the work; the GIL is released meanwhile.

    O(n * m) time. Memory: a copy of both sides, and 32 bytes a hit.

    Raises ValueError for arrays of another shape or type, sizes that differ and a threshold outside
    [0, 1]; MemoryError.
    """
    a, b = checked_sides(a, b, threshold)
    with HitList() as hits:
        check(
            library.dk_compare(
                *(address(a), len(a), address(b), len(b), a.shape[1]),
                *(threshold, isa_number(), threads, hits.pointer),
            )
        )
        return hits.take()


def compare_rectangles(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    rectangles: NDArray[np.int64],
    threshold: float,
    *,
    threads: int = 1,
) -> Hits:
    """As ``compare``, within rectangles of rows alone, any number of them in one call.

    ``rectangles`` is (count, 4) int64, a row being start_a, stop_a, start_b, stop_b: rows start_a up to
    but without stop_a of ``a`` against rows start_b up to stop_b of ``b``. Rows in the result count from
    the start of ``a`` and of ``b``. A pair is there once for each rectangle that it is in.

    Raises ValueError also for rectangles of another shape or not within the two sides.
    """
    a, b = checked_sides(a, b, threshold)
    rectangles = np.ascontiguousarray(rectangles, dtype=np.int64)
    if rectangles.ndim != 2 or rectangles.shape[1] != 4:
        raise ValueError(f"rectangles must have shape (count, 4), got {rectangles.shape}")
    with HitList() as hits:
        check(
            library.dk_compare_rectangles(
                *(address(a), len(a), address(b), len(b), a.shape[1]),
                *(address(rectangles), len(rectangles), threshold, isa_number(), threads, hits.pointer),
            )
        )
        return hits.take()
