"""Cutting a blocked run into chunks: large blocks into tiles, small ones together into packs.

As ``planning``, but within the blocks that two data sets share. A pack names its blocks by their
places in the list of common blocks, so its line of the manifest is short however many they are; and
since the list depends on the two data sets alone, the same places are the same blocks in every attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count

from chalicelib.linkage.planning import Chunk, ChunkSize, cut_rectangle
from chalicelib.linkage.rectangles import Rectangle, area


@dataclass(frozen=True)
class Pack:
    """One unit of comparison work: the common blocks ``first`` to ``stop`` (exclusive), each whole.

    ``dataset_a`` < ``dataset_b``; ``index`` counts from 0 within the plan.
    """

    index: int
    dataset_a: int
    dataset_b: int
    first: int
    stop: int
    comparisons: int

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def chunk_from_dict(fields: Mapping[str, int]) -> Chunk | Pack:
    """What ``to_dict`` of either gave. Raises TypeError for missing or unknown fields."""
    return Pack(**fields) if "first" in fields else Chunk(**fields)


def plan_blocks(
    dataset_a: int,
    dataset_b: int,
    blocks: Iterable[Rectangle],
    size: ChunkSize,
    index: Iterator[int] | None = None,
) -> Iterator[Chunk | Pack]:
    """Chunks that cover every block exactly once, in the order of ``blocks``.

    A block that exceeds ``size`` is cut into a Chunk of stored rows a tile; the others fill Packs within
    the same bounds. Indexes
    come from ``index``, which several pairs of data sets share. Holds nothing; O(blocks).
    """
    numbers = count() if index is None else index
    first = stop = comparisons = rows_a = rows_b = 0

    def packed() -> Iterator[Pack]:
        if first < stop:
            yield Pack(next(numbers), dataset_a, dataset_b, first, stop, comparisons)

    for place, block in enumerate(blocks):
        start_a, stop_a, start_b, stop_b = block
        if _fits(area(block), stop_a - start_a, stop_b - start_b, size):
            comparisons += area(block)
            rows_a += stop_a - start_a
            rows_b += stop_b - start_b
            if not _fits(comparisons, rows_a, rows_b, size):
                comparisons -= area(block)
                yield from packed()
                first, comparisons = place, area(block)
                rows_a, rows_b = stop_a - start_a, stop_b - start_b
        else:
            yield from packed()
            for tile in cut_rectangle(block, size):
                yield Chunk(next(numbers), dataset_a, *tile[:2], dataset_b, *tile[2:])
            first, comparisons, rows_a, rows_b = place + 1, 0, 0, 0
        stop = place + 1
    yield from packed()


def _fits(comparisons: int, rows_a: int, rows_b: int, size: ChunkSize) -> bool:
    return comparisons <= size.comparisons and max(rows_a, rows_b) <= size.rows
