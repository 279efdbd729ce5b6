"""Choosing between the two ways to the same hits: all pairs in tiles, or the index join.

The join's time depends on the data: on how many records share a key, and on how many are alike. So it isn't
guessed from sizes but counted, on a few of the parts, in some thousandths of the time that it takes; and
since counts grow with the pairs, a sample of either side tells what the whole will take.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import comb, inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dice_kernel._library import Hits, checked_sides, isa
from dice_kernel.comparison import compare
from dice_kernel.index_join import (
    Plan,
    allowed_distances,
    count_part,
    histogram,
    index_join,
    join_parts,
    opened,
    plan,
    popcounts,
)

Path = Literal["tiled", "index"]

PATH_VARIABLE = "DICE_KERNEL_PATH"
MIN_PAIRS = 4_000_000  # fewer take the tiles some milliseconds at most
MIN_PART_BITS = 7  # at 0.8 and below, and never worth counting
COUNTED_PARTS = 3
SAMPLED_RECORDS = 3_000  # a side

# Nanoseconds on one core, of which only the ratios matter: measured on an AMD Zen 5 with 1024 bits, 5,000 to
# 300,000 records a side and thresholds from .8 to .97; neon's are guesses between the others. A pair costs
# the tiled kernel by the words of 64 bits that it reads. Its prefix test makes them fewer for high
# thresholds: a share (1 - t) / (1 - D) and one word more, D being what unrelated records hardly ever reach.
TILED_WORD_NS = {"avx512": 0.028, "avx2": 0.097, "neon": 0.2, "portable": 0.5}
TILED_RECORD_NS = 100.0
UNRELATED_DICE = 0.64
WINDOW_PAIR_NS = {"avx512": 0.055, "avx2": 0.25, "neon": 0.5, "portable": 1.0}
SORT_RECORD_NS, LOOKUP_NS, CLOSE_PAIR_NS = 7.0, 4.0, 10.0


@dataclass(frozen=True)
class Costs:
    """What each way takes, in nanoseconds of one core; an index join that is not worth counting, infinite."""

    tiled: float
    index: float

    @property
    def path(self) -> Path:
        return "index" if self.index < self.tiled else "tiled"

    @property
    def least(self) -> float:
        return min(self.tiled, self.index)


def find(a: NDArray[np.uint8], b: NDArray[np.uint8], threshold: float, *, threads: int = 1) -> Hits:
    """The hits of ``compare``, found the way that ``choose`` chooses. Errors are those of ``compare``."""
    if choose(a, b, threshold) == "index":
        return index_join(a, b, threshold, threads=threads)
    return compare(a, b, threshold, threads=threads)


def choose(a: NDArray[np.uint8], b: NDArray[np.uint8], threshold: float) -> Path:
    """Which way is the faster: "tiled" (``compare``) or "index" (``index_join``).

    The environment variable DICE_KERNEL_PATH forces one of them; threshold 0 is always "tiled", since no
    index can help there. The same arguments give the same answer on the same instruction set. Reads both
    sides some three times. Errors are those of ``costs``.
    """
    a, b = checked_sides(a, b, threshold)
    return costs(a, b, threshold, len(a), len(b)).path


def costs(
    sample_a: NDArray[np.uint8], sample_b: NDArray[np.uint8], threshold: float, count_a: int, count_b: int
) -> Costs:
    """What each way would take for sides of so many records, of which these are samples, or all.

    A way that DICE_KERNEL_PATH excludes is infinite. Accurate to a third or so for samples of some
    thousand records, and then a matter of milliseconds. Errors are those of ``compare``, and ValueError
    for another word in the variable.
    """
    a, b = checked_sides(sample_a, sample_b, threshold)
    size = a.shape[1]
    forced = os.environ.get(PATH_VARIABLE, "")
    if forced not in ("", "tiled", "index"):
        raise ValueError(f"{PATH_VARIABLE} must be tiled or index, got {forced!r}")
    is_forced = forced == "index" and threshold > 0
    tiled = inf if is_forced else tiled_ns(count_a, count_b, size, threshold)
    is_hopeless = threshold == 0 or forced == "tiled" or count_a * count_b < MIN_PAIRS
    if not len(a) or not len(b) or (is_hopeless and not is_forced):
        return Costs(tiled, 0.0 if is_forced else inf)
    scales = count_a / len(a), count_b / len(b)
    scaled = [
        np.rint(histogram(popcounts(side), size) * scale).astype(np.int64)
        for side, scale in zip((a, b), scales, strict=True)
    ]
    how = plan(scaled[0], scaled[1], threshold)
    if 8 * size // how.part_count < MIN_PART_BITS and not is_forced:
        return Costs(tiled, inf)
    return Costs(tiled, _index_ns(a, b, threshold, how, scales, tiled))


def tiled_ns(count_a: int, count_b: int, size: int, threshold: float) -> float:
    """What ``compare`` takes for so many records of ``size`` bytes."""
    words = size / 8
    read = min(words, words * (1 - threshold) / (1 - UNRELATED_DICE) + 1)
    return (count_a + count_b) * TILED_RECORD_NS + count_a * count_b * read * TILED_WORD_NS[isa()]


def _index_ns(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    threshold: float,
    how: Plan,
    scales: tuple[float, float],
    limit: float,
) -> float:
    """What ``index_join`` takes for sides so many times as large; infinite when that exceeds the limit."""
    parts = range(0, how.part_count, -(-how.part_count // COUNTED_PARTS))
    all_parts = how.part_count / len(parts)
    scale_a, scale_b = scales
    cost = how.part_count * (len(a) * scale_a + len(b) * scale_b) * SORT_RECORD_NS
    most_lookups = _most_lookups(how, a.shape[1], threshold)
    with opened(a, b, threshold, how) as join:
        for part in parts:
            lookups, pairs = count_part(join, part)
            window_ns = pairs * scale_a * scale_b * WINDOW_PAIR_NS[isa()]
            # More records have more keys, until they have all that there are.
            lookup_ns = min(lookups * scale_a, most_lookups) * LOOKUP_NS
            cost += all_parts * (lookup_ns + window_ns)
            if cost >= limit:
                return inf
    return cost + all_parts * _close_pairs(a, b, threshold, how, parts, scales) * CLOSE_PAIR_NS


def _most_lookups(how: Plan, size: int, threshold: float) -> int:
    """The keys that a part looks up when every key occurs."""
    flips = int(allowed_distances(size, threshold)[2 * how.max_popcount]) // how.part_count
    each: int = sum(comb(how.key_bits, count) for count in range(flips + 1))
    return int(2**how.key_bits) * each


def _close_pairs(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    threshold: float,
    how: Plan,
    parts: range,
    scales: tuple[float, float],
) -> float:
    """How many pairs these parts have to compare in full, by those of a sample of each side.

    Rows are drawn for each side by itself: where both sides have the same order, every so-many-th row of each
    would find far too many pairs.
    """
    random = np.random.default_rng(0)  # always the same rows, so that the choice is always the same
    sample_a, sample_b = (side[np.unique(random.integers(0, len(side), SAMPLED_RECORDS))] for side in (a, b))
    with opened(sample_a, sample_b, threshold, how) as join:
        close_pairs = sum(join_parts(join, part, part + 1)[1] for part in parts)
    return close_pairs * (scales[0] * len(a) / len(sample_a)) * (scales[1] * len(b) / len(sample_b))
