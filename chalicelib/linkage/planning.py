"""Cutting a run into chunks: how many comparisons there are, how large a chunk should be, which rows
it compares.

``workflow`` writes the chunks into the manifest of the Compare map and each compare task reads one.
The one idea: every pair of datasets is a rectangle, cut into a regular grid of near-square tiles,
because a square has the most comparisons for the encodings that must be fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, count, pairwise, product

from chalicelib.linkage.rectangles import Rectangle, area

# Two sides of 500,000 encodings of 1 KiB are 1 GB: what a compare task can hold with its results.
MAX_CHUNK_RECORDS = 500_000


@dataclass(frozen=True)
class Chunk:
    """One unit of comparison work: all records of one range against all records of another.

    In a blocked run ranges are of stored rows (``blocking``), else of records, which is the same there.
    ``dataset_a`` < ``dataset_b``; starts are inclusive, stops exclusive; ``index`` counts from 0
    within the plan.
    """

    index: int
    dataset_a: int
    start_a: int
    stop_a: int
    dataset_b: int
    start_b: int
    stop_b: int

    @property
    def comparisons(self) -> int:
        return (self.stop_a - self.start_a) * (self.stop_b - self.start_b)

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def total_comparisons(counts: Sequence[int]) -> int:
    """How many pairs of records of different datasets there are; ``counts[i]`` is dataset i's size."""
    return sum(count_a * count_b for count_a, count_b in combinations(counts, 2))


def chunk_comparisons(
    total: int, *, comparisons_per_second: float, parallelism: int, min_seconds: float, max_seconds: float
) -> int:
    """The wanted size of a chunk: ``total`` shared among ``parallelism`` workers, within bounds.

    The bounds are what one worker does in ``min_seconds`` (below it, starting costs more than the
    work) and in ``max_seconds`` (which wins over the former). At least 1.
    """
    floor = int(comparisons_per_second * min_seconds)
    ceiling = int(comparisons_per_second * max_seconds)
    share = -(-total // parallelism)
    return max(1, min(max(share, floor), ceiling))


def plan_chunks(counts: Sequence[int], comparisons_per_chunk: int) -> Iterator[Chunk]:
    """Chunks that cover every pair of records of different datasets exactly once.

    None has more than ``comparisons_per_chunk`` comparisons or ``MAX_CHUNK_RECORDS`` records a side;
    within a pair of datasets, sides differ by at most one record. Ordered by datasets, then by rows;
    the same arguments give the same plan. Empty datasets give nothing.
    """
    index = count()
    for (dataset_a, count_a), (dataset_b, count_b) in combinations(enumerate(counts), 2):
        for tile in cut_rectangle((0, count_a, 0, count_b), comparisons_per_chunk):
            yield Chunk(next(index), dataset_a, *tile[:2], dataset_b, *tile[2:])


def cut_rectangle(rectangle: Rectangle, comparisons_per_chunk: int) -> Iterator[Rectangle]:
    """Its tiles, within the bounds of ``plan_chunks``; none of an empty one."""
    if not area(rectangle):
        return
    start_a, stop_a, start_b, stop_b = rectangle
    rows_a, rows_b = _tile_sides(stop_a - start_a, stop_b - start_b, comparisons_per_chunk)
    for a, b in product(_cut_evenly(start_a, stop_a, rows_a), _cut_evenly(start_b, stop_b, rows_b)):
        yield *a, *b


def _tile_sides(count_a: int, count_b: int, comparisons: int) -> tuple[int, int]:
    """The largest sides of a tile: square, or what a side that is shorter than that leaves."""
    short = min(count_a, count_b, max(1, math.isqrt(comparisons)), MAX_CHUNK_RECORDS)
    long = min(max(count_a, count_b), max(1, comparisons // short), MAX_CHUNK_RECORDS)
    return (short, long) if count_a <= count_b else (long, short)


def _cut_evenly(start: int, stop: int, rows: int) -> list[tuple[int, int]]:
    """Ranges (start, stop) of at most ``rows`` that differ by at most one in length."""
    pieces = -(-(stop - start) // rows)
    edges = [start + (stop - start) * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(edges))
