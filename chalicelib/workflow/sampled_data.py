"""Tiles of a project's stored data: which rows are read, whole files or windows of them."""

from __future__ import annotations

from functools import cache

import numpy as np

from chalicelib.linkage.encodings import Encodings
from chalicelib.linkage.rectangles import RECTANGLE_COST, Rectangle, closed_up
from chalicelib.linkage.tiles import Strips, Tile, rows_of_tile, thinned
from chalicelib.workflow.run_data import RunData
from chalicelib.workflow.stored_rows import load

# Together; more than that is read in windows.
_WHOLE_BYTES = 128 * 1024 * 1024
_WINDOWS = 4
# Above it the blocks that two data sets share are looked up for those alone that are drawn.
_MANY_PAIRS = 64


class SampledData:
    """Draws tiles of at most about ``tile_comparisons``. There must be comparisons.

    Methods raise Gone when a data set was deleted.
    """

    def __init__(self, data: RunData, random: np.random.Generator, tile_comparisons: int) -> None:
        self._data, self._random, self._tile_comparisons = data, random, tile_comparisons
        self._pairs = list(data.pairs())
        self._strips = cache(lambda pair: Strips(data.rectangles(*pair)))
        rows = np.array([dataset["stored_rows"] for dataset in data.datasets], dtype=np.float64)
        if data.indexes is not None and len(self._pairs) <= _MANY_PAIRS:
            sizes = np.array([self._strips(pair).comparisons for pair in self._pairs], dtype=np.float64)
        else:
            first, second = np.array(self._pairs).T
            sizes = rows[first] * rows[second]
        self._chances = sizes / sizes.sum()
        size = data.datasets[0]["encoding_size_bytes"]
        self._whole: list[Encodings] | None = None
        if rows.sum() * size <= _WHOLE_BYTES:
            self._whole = [load(each, [(0, each["stored_rows"])]).encodings for each in data.datasets]

    def everything(self, comparisons: int) -> list[Tile] | None:
        """All that there is, a tile a pair of data sets; None when it is more work than so many."""
        if self._whole is None or len(self._pairs) > _MANY_PAIRS:
            return None
        tiles = []
        for dataset_a, dataset_b in self._pairs:
            rectangles = list(self._data.rectangles(dataset_a, dataset_b))
            a, b = self._whole[dataset_a], self._whole[dataset_b]
            tile = Tile(a, b, rectangles, np.ones(len(a)))
            comparisons -= int(tile.areas.sum()) + RECTANGLE_COST * len(rectangles)
            if comparisons < 0:
                return None
            tiles.append(tile)
        return tiles

    def draw(self) -> tuple[Tile, float]:
        """A tile, and how many comparisons it stands for."""
        place = int(self._random.choice(len(self._pairs), p=self._chances))
        pair = self._pairs[place]
        strips = self._strips(pair)
        rectangles, weight = strips.draw(self._random) if strips.comparisons else ([], 0.0)
        if len(rectangles) == 1 and rows_of_tile(rectangles[0]) != _lengths(rectangles[0]):
            tile = self._part(pair, rectangles[0])
        else:
            tile = self._all(pair, rectangles)
        return thinned(tile, self._tile_comparisons, self._random), weight / self._chances[place]

    def _all(self, pair: tuple[int, int], rectangles: list[Rectangle]) -> Tile:
        a = self._rows(pair[0], [rectangle[:2] for rectangle in rectangles])
        b = self._rows(pair[1], [rectangle[2:] for rectangle in rectangles])
        return Tile(a, b, list(closed_up(rectangles)), np.ones(len(a)))

    def _part(self, pair: tuple[int, int], rectangle: Rectangle) -> Tile:
        rows_a, rows_b = rows_of_tile(rectangle)
        a = self._some_rows(pair[0], rectangle[0], rectangle[1], rows_a)
        b = self._some_rows(pair[1], rectangle[2], rectangle[3], rows_b)
        return Tile(a, b, [(0, len(a), 0, len(b))], np.ones(len(a)))

    def _rows(self, dataset: int, ranges: list[tuple[int, int]]) -> Encodings:
        if self._whole is None:
            return load(self._data.datasets[dataset], ranges).encodings
        whole = self._whole[dataset]
        return np.concatenate([whole[:0], *(whole[start:stop] for start, stop in ranges)])

    def _some_rows(self, dataset: int, start: int, stop: int, count: int) -> Encodings:
        """About ``count`` of the rows: any where all are at hand, else windows all along."""
        if self._whole is not None:
            chosen = self._random.choice(stop - start, size=count, replace=False)
            return self._whole[dataset][start + chosen]
        span = stop - start
        if count == span:
            return self._rows(dataset, [(start, stop)])
        # Evenly around a circle from anywhere on: every row has the same chance.
        offset, rows = int(self._random.integers(span)), min(-(-count // _WINDOWS), span // _WINDOWS)
        ranges = []
        for window in range(_WINDOWS):
            begin = (offset + span * window // _WINDOWS) % span
            ranges.append((start + begin, start + min(begin + rows, span)))
            if begin + rows > span:
                ranges.append((start, start + begin + rows - span))
        return load(self._data.datasets[dataset], sorted(ranges)).encodings


def _lengths(rectangle: Rectangle) -> tuple[int, int]:
    start_a, stop_a, start_b, stop_b = rectangle
    return stop_a - start_a, stop_b - start_b
