"""What a run left in the data bucket, read from any position: files of candidate pairs, and ``groups.bin``.

A page is a few requests for just its bytes, wherever it lies. Whatever is read whole is read in windows, so
memory doesn't grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from chalicelib.config import settings
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, HEADER, PAIR_BYTES, Candidates
from chalicelib.linkage.grouped_pairs import Groups
from chalicelib.storage import objects

WINDOW_PAIRS = 350_000  # 8 MB
_WINDOW_GROUPS = 350_000  # 7 MB where they are pairs
_HEAD_BYTES = 64 * 1024  # takes no longer than the number of groups alone
_WINDOWS_BYTES, _WINDOW_MIN_BYTES = 256 * 1024 * 1024, 64 * 1024  # of many files side by side, and of each
# A search by halves ends with one request of this many: 96 KB.
_SEARCHED_AT_ONCE = 4_096
_NUMBER_BYTES = 4


class PairFile:
    """Candidate pairs, sorted by score, the highest first. Raises NoSuchObject.

    The file's size in bytes is asked for, unless it is known.
    """

    def __init__(self, key: str, size_bytes: int | None = None) -> None:
        self._key = key
        if size_bytes is None:
            size_bytes = objects.size_of(settings().data_bucket, key)
        self._pairs = (size_bytes - len(HEADER)) // PAIR_BYTES

    def __len__(self) -> int:
        return self._pairs

    def blocks(
        self, start: int = 0, stop: int | None = None, window_pairs: int = WINDOW_PAIRS
    ) -> Iterator[Candidates]:
        """Pairs ``start`` to ``stop`` (exclusive), or to the last one; a request reads ``window_pairs``."""
        stop = len(self) if stop is None else stop
        for first in range(start, stop, window_pairs):
            yield self._read(first, min(first + window_pairs, stop))

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


def read_side_by_side(files: list[tuple[str, int]], pool: ThreadPoolExecutor) -> list[Iterator[Candidates]]:
    """The pairs of each of many files, keys and sizes in bytes, for going forward in all of them at once.

    A file's next window is fetched by ``pool`` while the one before is used; all windows together take
    256 MB, or 128 KiB a file if that is more.
    """
    share = _WINDOWS_BYTES // (2 * max(1, len(files)))
    window_pairs = min(WINDOW_PAIRS, max(_WINDOW_MIN_BYTES, share) // PAIR_BYTES)
    blocks = (PairFile(*file).blocks(window_pairs=window_pairs) for file in files)
    return [_fetched_ahead(of_one, pool, pool.submit(next, of_one, None)) for of_one in blocks]


def _fetched_ahead(
    blocks: Iterator[Candidates], pool: ThreadPoolExecutor, coming: Future[Candidates | None]
) -> Iterator[Candidates]:
    while (block := coming.result()) is not None:
        coming = pool.submit(next, blocks, None)
        yield block


class GroupFile:
    """The groups of a run, as ``rendering.groups_to_bytes`` writes them. Raises NoSuchObject."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._head = objects.get_range(settings().data_bucket, key, 0, _HEAD_BYTES)  # of few groups, all
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

    def blocks(self) -> Iterator[Groups]:
        """All groups, in windows."""
        place = 1 + len(self)  # of the next one's members
        for start in range(0, len(self), _WINDOW_GROUPS):
            sizes = self._numbers(1 + start, 1 + min(start + _WINDOW_GROUPS, len(self)))
            stop = place + 2 * int(sizes.sum(dtype=np.int64))
            yield Groups(sizes, self._numbers(place, stop).reshape(-1, 2))
            place = stop

    def _numbers(self, start: int, stop: int) -> NDArray[np.uint32]:
        first, last = start * _NUMBER_BYTES, stop * _NUMBER_BYTES
        if last <= len(self._head):
            return np.frombuffer(self._head[first:last], dtype="<u4")
        data = objects.get_range(settings().data_bucket, self._key, first, last)
        return np.frombuffer(data, dtype="<u4")
