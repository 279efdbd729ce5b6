"""How the scores of all pairs are distributed, estimated from a sample of comparisons.

Two-stage sampling with unequal chances: tiles are drawn independently, each from a strip of C comparisons
that has the chance p, and within it the share x of pairs that score t or more is measured. The share of
all pairs is estimated by R = Σ w x / Σ w over the draws, with w = C / p, and its variance by
k / (k - 1) Σ w² (x - R)² / (Σ w)² over k draws: by how they differ among themselves, whatever happens
within a tile (the estimator of Hansen and Hurwitz 1943 in its ratio form; Cochran, Sampling Techniques,
6.11 and 11.9). The number of pairs is R times that of all pairs, which is known.

The interval is that of a Poisson count as large as the sample is worth, n = min(hits, R² / variance):
matches are rare, and the usual mean ± 2 errors would reach below nothing. Its ends are n (1 - 1/9n -
z/3√n)³ and, with n + 1, the same with + (Wilson and Hilferty's approximation of the exact interval).
Where nothing was found the upper end is the rule of three: 3 hits in as many comparisons.

Comparisons are made twice: few without a threshold, for the whole histogram; then many above the score
that a hundredth of the pairs reaches, where the kernel gives out little and each hit counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.kernel import prepare
from chalicelib.linkage.tiles import Tile, thinned

# Of one draw in the first pass.
THINNED_COMPARISONS = 32_768
FIRST_PASS_COMPARISONS = 64 * THINNED_COMPARISONS
# Where the second pass begins: the pairs that score as much are at most this share.
_FLOOR_SHARE = 0.01
_Z = 2.0  # 95 % with 64 draws, by Student's t

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number of pairs and its interval of 95 % confidence."""

    pairs: float
    low: float
    high: float


class ScoreSample:
    """What draws have shown: pairs that score ``edges[i]`` or more, but not ``edges[i + 1]``.

    ``edges`` ascend; the last bin has no upper end. ``floor`` is the position of the first edge counted
    from. With ``is_complete`` there is one draw, of everything, and no doubt.
    """

    def __init__(
        self, edges: Sequence[float], total: int, floor: int = 0, *, is_complete: bool = False
    ) -> None:
        self.floor = floor
        self.comparisons = 0
        self._edges = np.array(edges)
        self._total = total
        self._is_complete = is_complete
        self._shares: list[Counts] = []
        self._weights: list[float] = []
        self._hits: Counts = np.zeros(len(edges))

    def add(self, tiles: Sequence[Tile], weight: float) -> None:
        """Compare one draw, which stands for ``weight`` comparisons; several tiles are one of everything."""
        counts: Counts = np.zeros(len(self._edges))
        for tile in tiles:
            counts += self._compare(tile)
        self._shares.append(counts / max(1.0, sum(tile.comparisons for tile in tiles)))
        self._weights.append(weight)

    def bins(self) -> Counts:
        """The estimated pairs in each bin from ``floor`` on, 0 below."""
        if not any(self._weights):
            return np.zeros(len(self._edges))
        pairs: Counts = self._total * np.average(self._shares, axis=0, weights=self._weights)
        return pairs

    def at_least(self, edge: int) -> Estimate:
        """The pairs that score ``edges[edge]`` or more; ``edge`` is ``floor`` or above."""
        pairs = float(self.bins()[edge:].sum())
        if self._is_complete:
            return Estimate(pairs, pairs, pairs)
        hits = float(self._hits[edge:].sum())
        if hits == 0:
            return Estimate(0.0, 0.0, min(self._total, 3 * self._total / max(1, self.comparisons)))
        worth = min(hits, self._worth(edge))
        low, high = _poisson_interval(worth)
        return Estimate(pairs, pairs * low / worth, min(self._total, pairs * high / worth))

    def _worth(self, edge: int) -> float:
        """The square of the estimate over its variance."""
        shares, weights = np.array([each[edge:].sum() for each in self._shares]), np.array(self._weights)
        ratio = np.dot(shares, weights) / weights.sum()
        squares = float((weights**2 * (shares - ratio) ** 2).sum() / weights.sum() ** 2)
        variance = squares * len(shares) / (len(shares) - 1)
        return float(ratio**2 / variance) if variance else math.inf

    def _compare(self, tile: Tile) -> Counts:
        counts: Counts = np.zeros(len(self._edges))
        for hits in prepare(tile.a, tile.b, self._edges[self.floor])(tile.rectangles):
            place = np.searchsorted(self._edges, hits["score"], side="right") - 1
            counts += np.bincount(place, tile.weights[hits["record_a"]], len(self._edges))
            self._hits += np.bincount(place, minlength=len(self._edges))
        self.comparisons += int(tile.areas.sum())
        return counts


def sample_scores(
    draws: Sequence[tuple[Tile, float]],
    edges: Sequence[float],
    total: int,
    everything: Sequence[Tile] | None,
    random: np.random.Generator,
) -> tuple[ScoreSample, ScoreSample]:
    """The two samples of ``total`` pairs, the second from its floor on.

    Each draw is a tile and how many comparisons it stands for: those of its strip by the strip's chance.

    ``everything``, where it is given, takes the place of the draws in the second, which then is complete;
    if it is no more work than the first pass, both are the same.
    """
    if everything is not None and sum(tile.comparisons for tile in everything) <= FIRST_PASS_COMPARISONS:
        complete = _complete(everything, edges, total, 0)
        return complete, complete
    first = ScoreSample(edges, total)
    for tile, weight in draws:
        first.add([thinned(tile, THINNED_COMPARISONS, random)], weight)
    floor = _floor(first.bins())
    if everything is not None:
        return first, _complete(everything, edges, total, floor)
    second = ScoreSample(edges, total, floor)
    for tile, weight in draws:
        second.add([tile], weight)
    return first, second


def _complete(everything: Sequence[Tile], edges: Sequence[float], total: int, floor: int) -> ScoreSample:
    sample = ScoreSample(edges, total, floor, is_complete=True)
    sample.add(everything, total)
    return sample


def _floor(bins: Counts) -> int:
    reaching = np.cumsum(bins[::-1])[::-1]
    few = np.flatnonzero(reaching <= _FLOOR_SHARE * reaching[0])
    return int(few[0]) if len(few) else len(bins) - 1


def _poisson_interval(count: float) -> tuple[float, float]:
    low = count * (1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3
    above = count + 1
    high = above * (1 - 1 / (9 * above) + _Z / (3 * math.sqrt(above))) ** 3
    return max(0.0, low), high
