"""What a run left in the data bucket, read from any position: ``merged.bin`` and ``groups.bin``.

A page is a few requests for just its bytes, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chalicelib.config import settings
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, HEADER, PAIR_BYTES, Candidates
from chalicelib.linkage.grouped_pairs import Groups
from chalicelib.storage import objects

_WINDOW_PAIRS = 350_000  # 8 MB
# A search by halves ends with one request of this many: 96 KB.
_SEARCHED_AT_ONCE = 4_096
_NUMBER_BYTES = 4


class PairFile:
    """The candidate pairs of a run: sorted by score, the highest first. Raises NoSuchObject."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._pairs = (objects.size_of(settings().data_bucket, key) - len(HEADER)) // PAIR_BYTES

    def __len__(self) -> int:
        return self._pairs

    def blocks(self, start: int, stop: int) -> Iterator[Candidates]:
        """Pairs ``start`` to ``stop`` (exclusive), some 8 MB at a time."""
        for first in range(start, stop, _WINDOW_PAIRS):
            yield self._read(first, min(first + _WINDOW_PAIRS, stop))

    def count_from(self, min_score: float | None) -> int:
        """How many pairs score at least that: the first so many."""
        if min_score is None:
            return len(self)
        low, high = 0, len(self)
        while high - low > _SEARCHED_AT_ONCE:
            middle = (low + high) // 2
            if self._read(middle, middle + 1)["score"][0] >= min_score:
                low = middle + 1
            else:
                high = middle
        return low + int((self._read(low, high)["score"] >= min_score).sum())

    def _read(self, start: int, stop: int) -> Candidates:
        first, last = (len(HEADER) + position * PAIR_BYTES for position in (start, stop))
        data = objects.get_range(settings().data_bucket, self._key, first, last)
        return np.frombuffer(data, dtype=CANDIDATE_DTYPE)


class GroupFile:
    """The groups of a run, as ``rendering.groups_to_bytes`` writes them. Raises NoSuchObject."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._groups = int(self._numbers(0, 1)[0])

    def __len__(self) -> int:
        return self._groups

    def read(self, start: int, stop: int) -> Groups:
        """Groups ``start`` to ``stop`` (exclusive), at most all; the sizes of those before are read, too."""
        sizes = self._numbers(1, 1 + stop)
        before, within = (int(part.sum(dtype=np.int64)) for part in (sizes[:start], sizes[start:]))
        first = 1 + len(self) + 2 * before
        members = self._numbers(first, first + 2 * within).reshape(-1, 2)
        return Groups(sizes[start:], members)

    def _numbers(self, start: int, stop: int) -> NDArray[np.uint32]:
        first, last = start * _NUMBER_BYTES, stop * _NUMBER_BYTES
        data = objects.get_range(settings().data_bucket, self._key, first, last)
        return np.frombuffer(data, dtype="<u4")
