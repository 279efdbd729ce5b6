"""The encodings that an upload's JSON holds, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chalicelib.linkage.block_order import Memberships
from chalicelib.linkage.encodings import Batch
from chalicelib.linkage.json_encodings import read_json_encodings
from chalicelib.linkage.json_events import Readable


def encodings_in(stream: Readable, memberships: Memberships | None = None) -> Iterator[bytes]:
    return one_by_one(read_json_encodings(stream, memberships))


def one_by_one(batches: Iterable[Batch]) -> Iterator[bytes]:
    for batch in batches:
        starts = range(0, len(batch.data), batch.size_bytes)
        yield from (batch.data[start : start + batch.size_bytes] for start in starts)
