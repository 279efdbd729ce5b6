"""Reading rows of a stored data set: from the cache where it is small and known there, else from S3.

Chunks that follow each other share a side. So what a process read last it keeps, if it was one range: some
data of one project at a time, until it reads another's or ends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.linkage.encodings import Encodings
from chalicelib.storage import cache, layout, objects
from chalicelib.storage.clients import object_store
from chalicelib.workflow.chunks import StoredDataset

# A request of S3 takes as long as some 500 KiB more of the one before, so smaller gaps are read over.
_GAP_BYTES = 512 * 1024
_REQUEST_BYTES = 8 * 1024 * 1024
_REQUESTS_AT_ONCE = 8
KEPT_BYTES = 256 * 1024 * 1024
_RECORD_BYTES = 4

Range = tuple[int, int]
"""Stored rows: the first, and the one after the last."""
Fetch = Callable[[int, int], bytes]
_Key = tuple[str, tuple[Range, ...]]


class Rows(NamedTuple):
    """Rows that were read, in their order, and whose they are. Read-only."""

    encodings: Encodings
    records: NDArray[np.uint32]  # (n,)


class _Kept:
    """The ranges that were read last: together at most KEPT_BYTES, of one project.

    A key is an upload and its ranges: ids are random and never used again, and what an upload is stored as
    never changes.
    """

    def __init__(self) -> None:
        self._project_id = ""
        self._rows: OrderedDict[_Key, Rows] = OrderedDict()

    def turn_to(self, project_id: str) -> None:
        """Let go of another project's."""
        if project_id != self._project_id:
            self._project_id = project_id
            self._rows.clear()

    def find(self, key: _Key) -> Rows | None:
        if key in self._rows:
            self._rows.move_to_end(key)
        return self._rows.get(key)

    def make_room(self, size_bytes: int) -> None:
        """Let go of the oldest until so much more fits; of all, if it is too much alone."""
        while self._rows and self._size_bytes() + size_bytes > KEPT_BYTES:
            self._rows.popitem(last=False)

    def keep(self, key: _Key, rows: Rows) -> None:
        """There is room for them, or too much of them for ever."""
        self._rows[key] = rows
        self.make_room(0)

    def _size_bytes(self) -> int:
        return sum(array.nbytes for rows in self._rows.values() for array in rows)


_kept = _Kept()


def load(dataset: StoredDataset, ranges: Sequence[Range]) -> Rows:
    """The rows of ``ranges``, which ascend and don't overlap, one range after the other.

    Holds them, eight requests' bytes, and of what was read before no more than fits into KEPT_BYTES with
    them. Raises Gone when the data set was deleted, unless its rows are still at hand.
    """
    _kept.turn_to(dataset["project_id"])
    key = dataset["upload_id"], tuple(ranges)
    rows = _kept.find(key)
    if rows is None:
        _kept.make_room(_count(ranges) * (dataset["encoding_size_bytes"] + _RECORD_BYTES))
        rows = _load(dataset, ranges)
        if len(ranges) == 1:  # several are a pack of blocks, which no other chunk has
            _kept.keep(key, rows)
    return rows


def _count(ranges: Iterable[Range]) -> int:
    return sum(stop - start for start, stop in ranges)


def _load(dataset: StoredDataset, ranges: Sequence[Range]) -> Rows:
    size, rows = dataset["encoding_size_bytes"], _count(ranges)
    encodings = np.empty((rows, size), dtype=np.uint8)
    fetch_encodings, fetch_records = _cached(dataset) or _stored(dataset)
    try:
        _read(fetch_encodings, ranges, encodings)
        if not dataset["is_blocked"]:
            numbers = [np.arange(start, stop, dtype=np.uint32) for start, stop in ranges]
            return _read_only(encodings, np.concatenate([np.empty(0, dtype=np.uint32), *numbers]))
        record_bytes = np.empty((rows, _RECORD_BYTES), dtype=np.uint8)
        _read(fetch_records, ranges, record_bytes)
    except objects.NoSuchObject as error:
        raise Gone("the data set was deleted") from error
    return _read_only(encodings, record_bytes.reshape(-1).view("<u4").astype(np.uint32, copy=False))


def _read_only(encodings: Encodings, records: NDArray[np.uint32]) -> Rows:
    encodings.flags.writeable = records.flags.writeable = False
    return Rows(encodings, records)


def _cached(dataset: StoredDataset) -> tuple[Fetch, Fetch] | None:
    """None unless the cache holds what S3 does, by its lengths."""
    rows, size = dataset["stored_rows"], dataset["encoding_size_bytes"]
    if rows * size > settings().cached_dataset_max_bytes:
        return None
    found = cache.get_encodings(dataset["dp_id"], dataset["upload_id"])
    if found is None:
        return None
    encodings, records = found.get("encodings"), found.get("rows", b"")
    if not isinstance(encodings, bytes) or len(encodings) != rows * size:
        return None
    if dataset["is_blocked"] and (not isinstance(records, bytes) or len(records) != rows * _RECORD_BYTES):
        return None
    return lambda start, stop: encodings[start:stop], lambda start, stop: records[start:stop]


def _stored(dataset: StoredDataset) -> tuple[Fetch, Fetch]:
    object_store()  # made here, since the threads that fetch would make one each
    bucket, place = settings().data_bucket, (dataset["project_id"], dataset["upload_id"])
    return (
        partial(objects.get_range, bucket, layout.encodings(*place)),
        partial(objects.get_range, bucket, layout.rows(*place)),
    )


def _read(fetch: Fetch, ranges: Iterable[Range], into: NDArray[np.uint8]) -> None:
    """Fill ``into``, (rows, bytes of a row), by as few requests as are worth it."""
    row_bytes = into.shape[1]
    places = []
    place = 0
    for span in _spans(ranges, row_bytes):
        rows = _count(span)
        places.append((span, into[place : place + rows]))
        place += rows
    if len(places) > 1:
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            list(pool.map(lambda work: _read_span(fetch, *work), places))
    else:
        for work in places:
            _read_span(fetch, *work)


def _spans(ranges: Iterable[Range], row_bytes: int) -> Iterator[list[Range]]:
    """The ranges, cut or put together into what one request each reads."""
    gap_rows, request_rows = _GAP_BYTES // row_bytes, max(1, _REQUEST_BYTES // row_bytes)
    span: list[Range] = []
    for whole_start, whole_stop in ranges:
        for start in range(whole_start, whole_stop, request_rows):
            stop = min(start + request_rows, whole_stop)
            if span and (start - span[-1][1] > gap_rows or stop - span[0][0] > request_rows):
                yield span
                span = []
            if span and start == span[-1][1]:
                span[-1] = (span[-1][0], stop)
            else:
                span.append((start, stop))
    if span:
        yield span


def _read_span(fetch: Fetch, span: list[Range], into: NDArray[np.uint8]) -> None:
    first, last, row_bytes = span[0][0], span[-1][1], into.shape[1]
    data = fetch(first * row_bytes, last * row_bytes)
    rows = np.frombuffer(data, dtype=np.uint8).reshape(last - first, row_bytes)
    place = 0
    for start, stop in span:
        into[place : place + stop - start] = rows[start - first : stop - first]
        place += stop - start
