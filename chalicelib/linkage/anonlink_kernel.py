"""anonlink's compiled kernel, for where ours isn't: called so that nothing is lost and memory is bounded.

Every score is computed by it, so scores are anonlink's very floats; around it are an exact threshold and
tiles. It holds the GIL, so large work is shared among ``processes``.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

# What dice_coefficient_accelerated calls once it has turned bitarrays into arrays, which we have. On
# 20,000 x 20,000 rows that saves a few per cent of the time; on 100,000 rows it saves 130 ms a call and
# 100,000 objects, and calls can be as small as memory wants them. It is private to anonlink 0.15.3, so
# tests/property/test_comparison.py holds it to the public function.
from anonlink.similarities import _dice
from numpy.typing import NDArray

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates, concatenate
from chalicelib.linkage.encodings import Encodings, popcounts
from chalicelib.linkage.processes import run_in_processes
from chalicelib.linkage.rectangles import Rectangle, area, cost, shares, tiles
from chalicelib.linkage.work import Work

# One call of the kernel compares at most TILE_ROWS_A * TILE_ROWS_B pairs, and so many are collected
# from small rectangles, which bounds the output when every pair is a hit (16 bytes each, and 24 for
# ours). The kernel's speed is the same from 2,000 rows of b to all.
TILE_ROWS_A = 256
TILE_ROWS_B = 4_096
# Forking and collecting takes some 12 ms, in which one process does 3 million comparisons: with two
# processes it pays from twice that on.
MIN_FORK_COMPARISONS = 6_000_000
# Of one comparison at 1,024 bits, whatever the threshold: how much slower it is than our kernel with AVX2.
_STANDARD_COMPARISONS = 7

Comparer = Callable[[Iterable[Rectangle]], Iterator[Candidates]]
"""From rectangles to their hits, in arrays of a million comparisons' or fewer, none of them empty.

Hits are in no order; their records are rows of the two sides, their datasets are 0.
"""


def find(
    encodings_a: Encodings,
    encodings_b: Encodings,
    rectangles: list[Rectangle],
    threshold: float,
    workers: int,
) -> Candidates:
    """All hits within the rectangles, as ``kernel.find`` gives them; ``workers`` are processes."""
    compare_share = prepare(encodings_a, encodings_b, threshold)
    if workers > 1 and cost(rectangles) >= MIN_FORK_COMPARISONS:
        jobs = [partial(compare_share, share) for share in shares(rectangles, workers)]
        return concatenate(run_in_processes(jobs))
    return concatenate(compare_share(rectangles))


def prepare(encodings_a: Encodings, encodings_b: Encodings, threshold: float) -> Comparer:
    """What compares rectangles of these rows, (n, size) and (m, size) uint8; the set-up is done once.

    A rectangle costs some 2.5 µs besides its comparisons. Raises ValueError for sizes that differ or are
    no multiple of 8 bytes and for a threshold outside [0, 1].
    """
    _check_arguments(encodings_a, encodings_b, threshold)
    a, b = _aligned(encodings_a), _aligned(encodings_b)
    return partial(_compare, a, b, _counts(b), threshold)


def _check_arguments(encodings_a: Encodings, encodings_b: Encodings, threshold: float) -> None:
    size_a, size_b = encodings_a.shape[1], encodings_b.shape[1]
    if size_a != size_b or size_a % 8 or not size_a:
        raise ValueError(f"encoding sizes must be equal multiples of 8 bytes, got {size_a} and {size_b}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must be within 0 and 1, got {threshold}")


def _aligned(encodings: Encodings) -> Encodings:
    """The same rows, where 8-byte words may be read.

    Given anything else the kernel copies, and reads far past the end of the row that it copies from.
    """
    contiguous = np.ascontiguousarray(encodings)
    return contiguous if contiguous.ctypes.data % 8 == 0 else contiguous.copy()


def _counts(encodings: Encodings) -> NDArray[np.uint32]:
    counts = np.empty(len(encodings), dtype=np.uint32)
    for start in range(0, len(encodings), TILE_ROWS_B):  # what popcounts needs meanwhile stays small
        counts[start : start + TILE_ROWS_B] = popcounts(encodings[start : start + TILE_ROWS_B])
    return counts


def _kernel_threshold(threshold: float, encoding_size_bytes: int) -> float:
    """The threshold to give the kernel so that it loses no pair that scores ``threshold`` exactly.

    It skips a pair whose popcounts, p in a and q in b, differ by more than trunc(2p * (1/t - 1)). For
    q < p that is more than any hit differs by. For q ≥ p it is exactly what a hit may differ by, and
    rounding can bring a whole number just below itself (p 13, q 27, t .65). A hit has
    2p/(p + q) ≥ t * (1 - u) with u = 2**-53 for the rounding of its score, so q - p may be
    2p * (1/t * (1 + u) - 1). The computed bound suffers a rounding each in 1/t, the subtraction and
    the product, 3u of at most 1/t together. Lowering t by the factor 1 - e raises it by e/t: any
    e > 4u will do. 1e-12 is 9000u, and too little to let any other score in.

    The bound is an unsigned 32-bit integer. Where 2p/t could exceed it anonlink loses pairs at random,
    and we ask for every pair.
    """
    if threshold * 2**31 <= 8 * encoding_size_bytes:
        return 0.0
    return threshold * (1 - 1e-12)


def _compare(
    a: Encodings,
    b: Encodings,
    counts_b: NDArray[np.uint32],
    threshold: float,
    rectangles: Iterable[Rectangle],
) -> Iterator[Candidates]:
    size = a.shape[1]
    flat_a, flat_b = a.reshape(-1).view(np.int8), b.reshape(-1).view(np.int8)
    kernel_threshold = _kernel_threshold(threshold, size)
    hits, compared = _Hits(), 0
    for tile in tiles(filter(area, rectangles), TILE_ROWS_A, TILE_ROWS_B):
        if compared and compared + area(tile) > TILE_ROWS_A * TILE_ROWS_B:
            yield from hits.reaching(threshold)
            hits, compared = _Hits(), 0
        start_a, stop_a, start_b, stop_b = tile
        _dice.dice_many_to_many(
            flat_a[start_a * size : stop_a * size],
            flat_b[start_b * size : stop_b * size],
            stop_a - start_a,
            stop_b - start_b,
            counts_b[start_b:stop_b],
            size,
            stop_b - start_b,  # k: as many hits a record as there can be
            kernel_threshold,
            hits.scores,
            hits.rows_a,
            hits.rows_b,
        )
        hits.end(start_a, start_b)
        compared += area(tile)
    yield from hits.reaching(threshold)


class _Hits:
    """What calls of the kernel append, each counting rows from 0, and where each call ended."""

    def __init__(self) -> None:
        self.scores, self.rows_a, self.rows_b = array("d"), array("I"), array("I")
        self._starts_a, self._starts_b, self._ends = array("I"), array("I"), array("Q", [0])

    def end(self, start_a: int, start_b: int) -> None:
        """A call has appended its hits; its rows count from these."""
        if len(self.scores) > self._ends[-1]:
            self._starts_a.append(start_a)
            self._starts_b.append(start_b)
            self._ends.append(len(self.scores))

    def reaching(self, threshold: float) -> Iterator[Candidates]:
        """Nothing, or the hits as one array."""
        if not self.scores:
            return
        is_hit = np.frombuffer(self.scores) >= threshold
        hits = np.zeros(int(is_hit.sum()), dtype=CANDIDATE_DTYPE)
        hits["score"] = np.frombuffer(self.scores)[is_hit]
        counts = np.diff(np.frombuffer(self._ends, dtype=np.uint64).astype(np.int64))
        for field, rows, starts in (
            ("record_a", self.rows_a, self._starts_a),
            ("record_b", self.rows_b, self._starts_b),
        ):
            offsets = np.repeat(np.frombuffer(starts, dtype=np.uint32), counts)
            hits[field] = (np.frombuffer(rows, dtype=np.uint32) + offsets)[is_hit]
        yield hits


def work(
    sample_a: Encodings,
    sample_b: Encodings,  # noqa: ARG001  # what our kernel asks for
    threshold: float,  # noqa: ARG001
    count_a: int,
    count_b: int,
) -> Work:
    """What so many records would take, whatever they and the threshold are."""
    return Work(block_work(count_a * count_b, sample_a.shape[1]), math.inf)


def block_work(comparisons: int, size_bytes: int) -> float:
    """What comparing within blocks takes."""
    return comparisons * size_bytes / 128 * _STANDARD_COMPARISONS
