"""How large the chunks of two data sets should be, by the work that comparing them is.

All pairs cost the same wherever a rectangle is cut. An index join costs the less a pair, the more
records it has; so it is cut as little as workers' memory and the wanted work of a chunk allow, and only if
it is still less work then than all pairs.
"""

from __future__ import annotations

import math

from chalicelib.linkage.planning import ChunkSize
from chalicelib.linkage.work import WorkOf

# More slices at a time, since each look at the data takes milliseconds.
_LEAST_STEP = 1.25


def least_work(work_of: WorkOf, count_a: int, count_b: int, rows: int) -> float:
    """Of all comparisons of so many records, in chunks of at most ``rows`` a side and as large as that."""
    tile_a, tile_b = min(count_a, rows), min(count_b, rows)
    if not tile_a or not tile_b:
        return 0.0
    return work_of(tile_a, tile_b).least * (count_a * count_b) / (tile_a * tile_b)


def chunk_size(work_of: WorkOf, count_a: int, count_b: int, wanted: float, rows: int) -> ChunkSize:
    """The bounds of a chunk: about the ``wanted`` work, or less where it is one row against another.

    ``rows`` is the most that each side may have.
    """
    if not count_a or not count_b:
        return ChunkSize(1, rows)
    tile_a, tile_b = min(count_a, rows), min(count_b, rows)
    whole = work_of(tile_a, tile_b)
    slices, joined = 1, whole.joined
    while slices * joined < whole.tiled:
        slice_a, slice_b = _slice(tile_a, tile_b, slices)
        if joined <= wanted or slices >= max(tile_a, tile_b):
            return ChunkSize(slice_a * slice_b, rows, is_sliced=True)
        slices = math.ceil(slices * max(_LEAST_STEP, joined / wanted))
        joined = work_of(*_slice(tile_a, tile_b, slices)).joined
    return ChunkSize(max(1, int(wanted * tile_a * tile_b / whole.tiled)), rows)


def _slice(tile_a: int, tile_b: int, slices: int) -> tuple[int, int]:
    """So much of the longer side, and all of the other."""
    if tile_a > tile_b:
        return math.ceil(tile_a / slices), tile_b
    return tile_a, math.ceil(tile_b / slices)
