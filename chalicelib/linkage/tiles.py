"""What is drawn when a project's comparisons are sampled: tiles of some million comparisons each.

All comparisons of two data sets are rectangles of rows: one, or one a common block. Small neighbours
are taken together as a strip, so a draw is always worth its reading; of a rectangle larger than a tile
some rows of either side are drawn. Strips are drawn with replacement. Half of a strip's chance is in
proportion to its comparisons, half to its rows: small blocks have few comparisons but as many matches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.blocking import BLOCK_HASH_BYTES, BlockIndex
from chalicelib.linkage.encodings import Encodings
from chalicelib.linkage.rectangles import RECTANGLE_COST, Rectangle, closed_up

TILE_ROWS = 1_024
TILE_COMPARISONS = TILE_ROWS * TILE_ROWS
# The most rows of a side that a tile holds: 2 MB of 1024-bit encodings.
MAX_ROWS = 16_384


@dataclass(frozen=True)
class Tile:
    """Rows and which of them are compared.

    ``weights``, (rows of a,): how many of the comparisons it was drawn from each comparison of a row
    stands for. ``comparisons``, what they sum up to.
    """

    a: Encodings
    b: Encodings
    rectangles: list[Rectangle]
    weights: NDArray[np.float64]

    @property
    def areas(self) -> NDArray[np.int64]:
        edges = np.array(self.rectangles, dtype=np.int64).reshape(-1, 4)
        areas: NDArray[np.int64] = (edges[:, 1] - edges[:, 0]) * (edges[:, 3] - edges[:, 2])
        return areas

    @property
    def comparisons(self) -> float:
        starts = [rectangle[0] for rectangle in self.rectangles]
        return float(np.dot(self.areas, self.weights[starts]))


class Strips:
    """The rectangles of two data sets, taken together into strips."""

    def __init__(self, rectangles: Iterable[Rectangle]) -> None:
        self._rectangles = np.array(list(rectangles), dtype=np.int64).reshape(-1, 4)
        start_a, stop_a, start_b, stop_b = self._rectangles.T
        areas = (stop_a - start_a) * (stop_b - start_b)
        costs = areas + RECTANGLE_COST
        large = (areas > TILE_COMPARISONS) | (np.maximum(stop_a - start_a, stop_b - start_b) > MAX_ROWS)
        # A strip ends where any of these changes: its cost and its rows are bounded, a large one is alone.
        ends = [
            (np.cumsum(costs) - costs) // TILE_COMPARISONS,
            start_a // MAX_ROWS,
            start_b // MAX_ROWS,
            np.cumsum(large) * 2 - large,
        ]
        is_start = np.ones(len(areas), dtype=np.bool_)
        is_start[1:] = np.any([end[1:] != end[:-1] for end in ends], axis=0)
        self._edges = np.append(np.flatnonzero(is_start), len(areas))
        self.comparisons = int(areas.sum())
        self._areas = np.add.reduceat(areas, self._edges[:-1]) if len(areas) else areas
        rows = np.add.reduceat(stop_a - start_a + stop_b - start_b, self._edges[:-1]) if len(areas) else areas
        self._chances = self._areas / max(1, areas.sum()) / 2 + rows / max(1, rows.sum()) / 2

    def draw(self, random: np.random.Generator) -> tuple[list[Rectangle], float]:
        """The rectangles of one strip, and how many comparisons it stands for: its own by its chance.

        There must be comparisons.
        """
        strip = random.choice(len(self._chances), p=self._chances)
        rows = self._rectangles[self._edges[strip] : self._edges[strip + 1]]
        rectangles = [(a, b, c, d) for a, b, c, d in rows.tolist()]
        return rectangles, float(self._areas[strip] / self._chances[strip])


def rows_of_tile(rectangle: Rectangle) -> tuple[int, int]:
    """How many rows of either side a tile takes of a rectangle: near a square, within the bounds."""
    start_a, stop_a, start_b, stop_b = rectangle
    rows_a, rows_b = stop_a - start_a, stop_b - start_b
    short = min(rows_a, rows_b, TILE_ROWS)
    long = min(max(rows_a, rows_b), TILE_COMPARISONS // short, MAX_ROWS)
    return (short, long) if rows_a <= rows_b else (long, short)


def thinned(tile: Tile, comparisons: int, random: np.random.Generator) -> Tile:
    """Some rows of each of the tile's rectangles, so that about so many comparisons are left."""
    area = int(tile.areas.sum())
    if area <= comparisons:
        return tile
    share = float(np.sqrt(comparisons / area))
    edges = np.array(tile.rectangles, dtype=np.int64)
    rows_a, kept_a = _some_of_each(edges[:, 0], edges[:, 1], share, random)
    rows_b, kept_b = _some_of_each(edges[:, 2], edges[:, 3], share, random)
    weights = tile.weights[edges[:, 0]] * tile.areas / (kept_a * kept_b)
    rectangles = zip(kept_a.tolist(), kept_b.tolist(), strict=True)
    return Tile(
        tile.a[rows_a],
        tile.b[rows_b],
        list(closed_up((0, length_a, 0, length_b) for length_a, length_b in rectangles)),
        np.repeat(weights, kept_a),
    )


def _some_of_each(
    starts: NDArray[np.int64], stops: NDArray[np.int64], share: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows drawn at random of each range, range after range, and how many of each: at least one."""
    lengths = stops - starts
    kept = np.maximum(1, np.rint(lengths * share).astype(np.int64))
    firsts = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum())
    rows = place + np.repeat(starts - firsts, lengths)
    # Each range shuffled by itself, at once: thousands of small ones would take a second one by one.
    order = np.lexsort((random.random(len(place)), np.repeat(np.arange(len(lengths)), lengths)))
    is_kept = place - np.repeat(firsts, lengths) < np.repeat(kept, lengths)
    return rows[order][is_kept], kept


def blocked_comparisons(indexes: Iterable[BlockIndex]) -> int:
    """All comparisons of blocked data sets: pairs of rows of different data sets in the same block."""
    hashes: list[NDArray[np.bytes_]] = [np.empty(0, dtype=f"S{BLOCK_HASH_BYTES}")]
    counts: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    for index in indexes:
        hashes.append(np.frombuffer(index.hashes, dtype=f"S{BLOCK_HASH_BYTES}"))
        counts.append(np.diff(np.frombuffer(index.offsets, dtype=np.uint64).astype(np.int64)))
    _, block = np.unique(np.concatenate(hashes), return_inverse=True)
    rows = np.concatenate(counts)
    together = np.zeros(block.max(initial=-1) + 1, dtype=np.int64)
    np.add.at(together, block, rows)
    return int((np.dot(together, together) - np.dot(rows, rows)) // 2)
