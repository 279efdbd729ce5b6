"""Cutting a run into chunks: how many comparisons there are, how large a chunk should be, which rows
it compares.

``workflow`` writes the chunks into the manifest of the Compare map and each compare task reads one.
The one idea: every pair of datasets is a rectangle, cut into a regular grid of near-square tiles,
because a square has the most comparisons for the encodings that must be fetched. Where an index spares
most of the comparisons (``chunk_sizing`` says so), only the longer side is cut: an index is the more
worth, the larger it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, count, pairwise, product

from chalicelib.linkage.rectangles import Rectangle, area


@dataclass(frozen=True)
class ChunkSize:
    """The bounds of a chunk: its comparisons, and the rows of each side; both at least 1.

    A sliced one is a slice of the longer side against all of the other, as far as the rows allow.
    """

    comparisons: int
    rows: int
    is_sliced: bool = False


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


@dataclass(frozen=True)
class Workers:
    """Who compares: how many at a time, and the work of a chunk that is least and most worth one.

    With less, starting a worker costs more than its work; the most wins over the least. ``row`` is what
    it takes to fetch a row. In any unit of work.
    """

    parallelism: int
    least: float
    most: float
    row: float = 0.0

    def share(self, total: float) -> float:
        """The wanted work of a chunk, of ``total``."""
        return min(max(total / self.parallelism, self.least), self.most)

    def some(self, share: float) -> Workers:
        """A share of the workers, one at least."""
        return replace(self, parallelism=max(1, round(self.parallelism * share)))


def max_rows(memory_bytes: int, size_bytes: int) -> int:
    """How many rows of ``size_bytes`` a side of a chunk may have for a function of that memory.

    A row is held twice, as it is and as the kernel wants it, with some 100 bytes about it. Two fifths of the
    memory are for rows; the others are for what is found and for the runtime.
    """
    return max(1, int(0.4 * memory_bytes) // 2 // (2 * size_bytes + 100))


def plan_chunks(counts: Sequence[int], sizes: Callable[[int, int], ChunkSize]) -> Iterator[Chunk]:
    """Chunks that cover every pair of records of different datasets exactly once.

    ``sizes`` gives the bounds for two datasets; within these, sides differ by at most one record.
    Ordered by datasets, then by rows; the same arguments give the same plan. Empty datasets give nothing.
    """
    numbers = count()
    for (dataset_a, count_a), (dataset_b, count_b) in combinations(enumerate(counts), 2):
        for tile in cut_rectangle((0, count_a, 0, count_b), sizes(dataset_a, dataset_b)):
            yield Chunk(next(numbers), dataset_a, *tile[:2], dataset_b, *tile[2:])


def cut_rectangle(rectangle: Rectangle, size: ChunkSize) -> Iterator[Rectangle]:
    """Its tiles, within the bounds; none of an empty one."""
    if not area(rectangle):
        return
    start_a, stop_a, start_b, stop_b = rectangle
    rows_a, rows_b = _tile_sides(stop_a - start_a, stop_b - start_b, size)
    for a, b in product(_cut_evenly(start_a, stop_a, rows_a), _cut_evenly(start_b, stop_b, rows_b)):
        yield *a, *b


def _tile_sides(count_a: int, count_b: int, size: ChunkSize) -> tuple[int, int]:
    """The largest sides of a tile: square, or what a side that is shorter than that leaves."""
    short = min(count_a, count_b, size.rows)
    if not size.is_sliced:
        short = min(short, max(1, math.isqrt(size.comparisons)))
    long = min(max(count_a, count_b), max(1, size.comparisons // short), size.rows)
    return (short, long) if count_a <= count_b else (long, short)


def _cut_evenly(start: int, stop: int, rows: int) -> list[tuple[int, int]]:
    """Ranges (start, stop) of at most ``rows`` that differ by at most one in length."""
    pieces = -(-(stop - start) // rows)
    edges = [start + (stop - start) * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(edges))
