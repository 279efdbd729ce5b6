"""How large the chunks of two data sets should be, by the work that comparing them is.

All pairs cost the same wherever a rectangle is cut. An index join costs the less a pair, the more records it
has, and each slice fetches all of the other side: cut into slices it takes more work in less time. What is
wanted is little of both, so it is their product that decides, between all pairs and the join and between its
slices, of those that are not several times the work of the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.linkage.planning import ChunkSize, Workers
from chalicelib.linkage.work import WorkOf

# More slices at a time, since each look at the data takes milliseconds.
_STEP = 1.25
_MOST_TIMES_THE_LEAST = 3.0


def least_work(work_of: WorkOf, count_a: int, count_b: int, rows: int) -> float:
    """Of all comparisons of so many records, in chunks of at most ``rows`` a side and as large as that."""
    tile_a, tile_b = min(count_a, rows), min(count_b, rows)
    if not tile_a or not tile_b:
        return 0.0
    return work_of(tile_a, tile_b).least * (count_a * count_b) / (tile_a * tile_b)


def chunk_size(work_of: WorkOf, count_a: int, count_b: int, workers: Workers, rows: int) -> ChunkSize:
    """The bounds of a chunk, for workers who have nothing else to do.

    ``rows`` is the most that each side may have.
    """
    if not count_a or not count_b:
        return ChunkSize(1, rows)
    ways = list(_ways(work_of, (count_a, count_b), workers, rows))
    least = min(way.work for way in ways)
    bearable = [way for way in ways if way.work <= _MOST_TIMES_THE_LEAST * least]
    return min(bearable, key=lambda way: way.work * way.time).size


class _Way(NamedTuple):
    """Chunks of this size: the work of all, and the time until they are done, as one worker's work."""

    size: ChunkSize
    work: float
    time: float


def _ways(work_of: WorkOf, counts: tuple[int, int], workers: Workers, rows: int) -> Iterator[_Way]:
    """All pairs, and an index join in more and more slices; one at least."""
    tile_a, tile_b = (min(count, rows) for count in counts)
    tiles = counts[0] * counts[1] / (tile_a * tile_b)
    tiled = work_of(tile_a, tile_b).tiled
    if tiled < math.inf:
        share = min(workers.share(tiles * tiled), tiled)
        size = ChunkSize(max(1, int(tile_a * tile_b * (share / tiled))), rows)
        yield _Way(size, tiles * tiled, _time(tiles * tiled / share, share, workers))
    slices, joined = 1, math.inf
    # Not less work a slice than is worth one, nor more slices than rows.
    while joined > workers.least and slices <= max(tile_a, tile_b):
        slice_a, slice_b = _slice(tile_a, tile_b, slices)
        joined = work_of(slice_a, slice_b).joined + workers.row * (slice_a + slice_b)
        if joined == math.inf:
            return
        chunks = tiles * slices
        if joined <= workers.most or tiled == math.inf:  # the latter where an index join is asked for
            size = ChunkSize(slice_a * slice_b, rows, is_sliced=True)
            yield _Way(size, chunks * joined, _time(chunks, joined, workers))
            if chunks >= workers.parallelism:  # more would only take more work
                return
        slices = math.ceil(slices * _STEP)


def _time(chunks: float, work: float, workers: Workers) -> float:
    """Until so many chunks of such work are done, as work of one worker after another."""
    return math.ceil(chunks / workers.parallelism) * max(work, workers.least)


def _slice(tile_a: int, tile_b: int, slices: int) -> tuple[int, int]:
    """So much of the longer side, and all of the other."""
    if tile_a > tile_b:
        return math.ceil(tile_a / slices), tile_b
    return tile_a, math.ceil(tile_b / slices)
