"""Merging the sorted candidate files of the chunks into one, without duplicates.

Between ``comparison`` and ``solving``. The one idea: whatever is not greater than the smallest last
key of the blocks at hand can be given out, because every run goes on with something greater; so
whole blocks are sorted by numpy where a heap would handle single pairs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates, concatenate, empty, sort_candidates

SortKey = tuple[float, int, int, int, int]


def merge_candidates(
    runs: Sequence[Iterable[Candidates]], *, pairs_per_block: int = 65_536
) -> Iterator[Candidates]:
    """The pairs of all ``runs`` in the order of ``sort_candidates``, each pair of records once.

    A run is an iterable of blocks (any sizes, empty ones too) that is sorted across its blocks. A
    pair that occurs several times must have the same score each time, as pairs found through several
    blocks do. Blocks given out hold at most ``pairs_per_block`` pairs and are never empty.

    Holds one block of each run and a sorted copy of them. O(n log runs); a merge of r runs in b
    blocks searches r * b times, so merge hundreds of runs in a tree.
    """
    last = empty()  # of the piece before, whose last pair this one may repeat
    for piece in _sorted_pieces(runs):
        unique = piece.compress(_is_new(piece, last))
        last = piece[-1:]
        for start in range(0, len(unique), pairs_per_block):
            yield unique[start : start + pairs_per_block]


def without_repeats(candidates: Candidates) -> Candidates:
    """Each pair of records of a sorted array once; the array itself if nothing repeats.

    Equal pairs must have equal scores.
    """
    repeats = _repeats(candidates)
    return candidates.compress(~repeats) if repeats.any() else candidates


def _sorted_pieces(runs: Sequence[Iterable[Candidates]]) -> Iterator[Candidates]:
    """Non-empty sorted arrays, none of which starts below the end of the one before."""
    iterators = [_non_empty(run) for run in runs]
    heads = [(block, rest) for rest in iterators for block in islice(rest, 1)]
    while heads:
        cut = min(_key(block[-1]) for block, _ in heads)
        positions = [_count_up_to(block, cut) for block, _ in heads]
        ready = [block[:position] for (block, _), position in zip(heads, positions, strict=True)]
        yield sort_candidates(concatenate(ready))
        heads = [
            (block, rest)
            for (head, rest), position in zip(heads, positions, strict=True)
            for block in islice(chain(_non_empty([head[position:]]), rest), 1)
        ]


def _non_empty(run: Iterable[Candidates]) -> Iterator[Candidates]:
    return (block for block in run if len(block))


def _count_up_to(block: Candidates, cut: SortKey) -> int:
    """How many pairs of the sorted ``block`` are not greater than ``cut``."""
    return bisect_right(range(len(block)), cut, key=lambda position: _key(block[position]))


def _key(pair: Any) -> SortKey:  # numpy does not type the elements of structured arrays
    """The full key: with the score alone, ties that span blocks would be given out in disorder."""
    score, dataset_a, dataset_b, record_a, record_b = pair.item()
    return -score, dataset_a, dataset_b, record_a, record_b


def _is_new(piece: Candidates, last: Candidates) -> NDArray[np.bool_]:
    """For each pair, whether it joins other records than the one before; ``last`` is before the first."""
    return ~_repeats(concatenate([last, piece]))[len(last) :]


def _repeats(pairs: Candidates) -> NDArray[np.bool_]:
    """For each pair, whether it joins the same records as the one before."""
    repeats = np.ones(len(pairs), dtype=np.bool_)
    repeats[:1] = False
    for field in ("dataset_a", "dataset_b", "record_a", "record_b"):
        repeats[1:] &= pairs[field][1:] == pairs[field][:-1]
    return repeats
