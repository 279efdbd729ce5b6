"""How large the chunks of two data sets should be, by the work that comparing them is.

All pairs cost the same wherever a rectangle is cut. An index join costs the less a pair, the more records it
has: cut into slices it takes more work in less time. What is wanted is little of both, so it is their product
that decides, between all pairs and the join and between its slices.
"""

from __future__ import annotations

import math

from chalicelib.linkage.planning import ChunkSize, Workers
from chalicelib.linkage.work import WorkOf

# More slices at a time, since each look at the data takes milliseconds.
_STEP = 1.25


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
    tile_a, tile_b = min(count_a, rows), min(count_b, rows)
    tiles = (count_a * count_b) / (tile_a * tile_b)
    tiled = work_of(tile_a, tile_b).tiled
    if tiled == math.inf:  # an index join is asked for
        size, best = ChunkSize(tile_a * tile_b, rows, is_sliced=True), math.inf
    else:
        share = min(workers.share(tiles * tiled), tiled)
        size = ChunkSize(max(1, int(tile_a * tile_b * (share / tiled))), rows)
        best = _time(tiles * tiled / share, share, workers) * tiles * tiled
    slices, joined = 1, math.inf
    # No more slices than there are rows, than workers can begin with at once, or than are worth one.
    while slices <= max(tile_a, tile_b) and joined > workers.least:
        sliced = _slice(tile_a, tile_b, slices)
        joined = work_of(*sliced).joined
        chunks = tiles * slices
        both = _time(chunks, joined, workers) * chunks * joined
        if joined <= workers.most and both < best:
            best, size = both, ChunkSize(sliced[0] * sliced[1], rows, is_sliced=True)
        elif chunks >= workers.parallelism and joined <= workers.most:
            break
        slices = math.ceil(slices * _STEP)
    return size


def _time(chunks: float, work: float, workers: Workers) -> float:
    """Until so many chunks of such work are done, as work of one worker after another."""
    return math.ceil(chunks / workers.parallelism) * max(work, workers.least)


def _slice(tile_a: int, tile_b: int, slices: int) -> tuple[int, int]:
    """So much of the longer side, and all of the other."""
    if tile_a > tile_b:
        return math.ceil(tile_a / slices), tile_b
    return tile_a, math.ceil(tile_b / slices)
