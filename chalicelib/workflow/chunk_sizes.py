"""How much work a run is, and how large its chunks should be: by its data, the set rate of a vCPU and a
function's memory.

Whether an index join is worth it and how many pairs are found depends on the data, so some rows of each
data set are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial

import numpy as np

from chalicelib.config import settings
from chalicelib.linkage import planning
from chalicelib.linkage.chunk_sizing import chunk_size, least_work
from chalicelib.linkage.encodings import Encodings
from chalicelib.linkage.kernel import block_work, find, work
from chalicelib.linkage.planning import ChunkSize, Workers
from chalicelib.linkage.work import WorkOf
from chalicelib.storage.costs import comparisons_per_second
from chalicelib.workflow.chunks import Pair
from chalicelib.workflow.run_data import RunData
from chalicelib.workflow.stored_rows import Range, load

SMALL_RUN_MEMORY_MB = 3_008  # of link_small, in functions.yaml

# Of each data set, in so many windows: it tells the work to a third or so.
_SAMPLE_ROWS, _WINDOWS = 8_192, 8
# Whose pairs tell how many there are.
_FOUND_ROWS = 2_048
# What one call is meant to find at most: far below what it can hold, since a sample may err.
_FOUND_PAIRS = 5_000_000
# With fewer comparisons all ways take next to nothing, and nothing is sampled.
_FEW_COMPARISONS = 4_000_000
_FETCHED_BYTES_A_SECOND = 70_000_000  # from S3 by one function
_MB = 1024 * 1024


def workers(size_bytes: int) -> Workers:
    """By the settings, in standard comparisons."""
    s = settings()
    rate = comparisons_per_second(s.compare_memory_mb)
    row = rate * size_bytes / _FETCHED_BYTES_A_SECOND
    return Workers(s.compare_concurrency, rate * s.chunk_min_seconds, rate * s.chunk_max_seconds, row)


def is_small(data: RunData, work: float) -> bool:
    """Whether one invocation does it, in the time that the settings allow, and holds all rows."""
    if not work:  # nothing is read then
        return True
    rows = sum(dataset["stored_rows"] for dataset in data.datasets)
    fits = rows <= 2 * planning.max_rows(SMALL_RUN_MEMORY_MB * _MB, data.datasets[0]["encoding_size_bytes"])
    return fits and work <= comparisons_per_second(SMALL_RUN_MEMORY_MB) * settings().small_run_max_seconds


class RunWork:
    """A run's work, whose data sets have so many ``comparisons`` with one another.

    Reads samples when it is made, unless the data is blocked or little: 1 MB of 1,024-bit encodings a data
    set. Raises Gone when a data set was deleted.
    """

    def __init__(self, data: RunData, threshold: float, comparisons: Mapping[Pair, int]) -> None:
        self._data, self._threshold, self._comparisons = data, threshold, comparisons
        self._is_blocked = data.indexes is not None
        self._size_bytes = data.datasets[0]["encoding_size_bytes"]
        self._rows = planning.max_rows(settings().compare_memory_mb * _MB, self._size_bytes)
        self._samples = self._read_samples()

    @cached_property
    def total(self) -> float:
        """In standard comparisons (``linkage.work``), with chunks as large as a function holds."""
        return sum(self._least.values())

    @property
    def is_small(self) -> bool:
        """Whether one invocation does it all: ``is_small`` of its work, and its pairs aren't too many."""
        found = sum(self._found_shares[pair] * count for pair, count in self._comparisons.items())
        return is_small(self._data, self.total) and found <= _FOUND_PAIRS

    def chunk_size(self, dataset_a: int, dataset_b: int) -> ChunkSize:
        """The bounds of a chunk of two data sets."""
        pair = dataset_a, dataset_b
        if self._is_blocked:
            share = workers(self._size_bytes).share(self.total)
            return ChunkSize(max(1, int(share / block_work(1, self._size_bytes))), self._rows)
        its_share = self._least[pair] / self.total if self.total else 1.0
        its_workers = workers(self._size_bytes).some(its_share)
        size = chunk_size(self._work_of(pair), *self._counts(pair), its_workers, self._rows)
        most = _FOUND_PAIRS / max(self._found_shares[pair], 1e-12)
        return size if size.comparisons <= most else ChunkSize(max(1, int(most)), self._rows)

    @cached_property
    def _least(self) -> dict[Pair, float]:
        if self._is_blocked:
            return {pair: block_work(count, self._size_bytes) for pair, count in self._comparisons.items()}
        return {
            pair: least_work(self._work_of(pair), *self._counts(pair), self._rows)
            for pair in self._comparisons
        }

    def _work_of(self, pair: Pair) -> WorkOf:
        return partial(work, *self._samples_of(pair), self._threshold)

    def _counts(self, pair: Pair) -> tuple[int, int]:
        count_a, count_b = (self._data.datasets[dataset]["stored_rows"] for dataset in pair)
        return count_a, count_b

    def _samples_of(self, pair: Pair) -> tuple[Encodings, Encodings]:
        return self._samples[pair[0]], self._samples[pair[1]]

    @cached_property
    def _found_shares(self) -> dict[Pair, float]:
        return {pair: self._found_share(pair) for pair in self._comparisons}

    def _found_share(self, pair: Pair) -> float:
        """Of two data sets' comparisons; 0 where nothing was sampled."""
        a, b = (sample[:: max(1, len(sample) // _FOUND_ROWS)] for sample in self._samples_of(pair))
        if not len(a) or not len(b):
            return 0.0
        return len(find(a, b, [(0, len(a), 0, len(b))], self._threshold, 1)) / (len(a) * len(b))

    def _read_samples(self) -> list[Encodings]:
        if self._is_blocked or sum(self._comparisons.values()) < _FEW_COMPARISONS:
            return [np.empty((0, self._size_bytes), dtype=np.uint8) for _ in self._data.datasets]
        number = len(self._data.datasets)
        return [
            load(dataset, _windows(dataset["stored_rows"], place / number)).encodings
            for place, dataset in enumerate(self._data.datasets)
        ]


def _windows(rows: int, shift: float) -> list[Range]:
    """Where to read a sample: the same distance between all windows, and before the first ``shift`` of what
    is left of it. Data sets may have the same people in the same order, so each has another shift."""
    if rows <= _SAMPLE_ROWS:
        return [(0, rows)]
    length = _SAMPLE_ROWS // _WINDOWS
    starts = (int((window + shift) * (rows - length) / _WINDOWS) for window in range(_WINDOWS))
    return [(start, start + length) for start in starts]
