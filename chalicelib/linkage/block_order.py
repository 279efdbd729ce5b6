"""A data set's rows in block order, from who is in which block in any order (``linkage.blocking`` has
the form and the reasons).

Memberships lie in a file, 36 bytes each, and are sorted by a part of their hash: memory is
about 30 bytes a membership while sorting, however many different blocks there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import PermanentError
from chalicelib.linkage.blocking import block_hash
from chalicelib.linkage.encodings import Encodings

MAX_MEMBERSHIPS = 50_000_000  # what a function of 3 GB can sort
MAX_BLOCKS_PER_RECORD = 10_000
SLAB_ROWS = 1 << 16
SLAB_BYTES = 8 << 20

MEMBERSHIP = np.dtype([("hash", ">u8", 4), ("record", "<u4")])  # as it lies in the file

# Names come again and again, and a hash costs a microsecond. Long ones would fill the memory.
_hash_of_short = lru_cache(1 << 16)(block_hash)
_SHORT = 64


class InvalidBlocks(PermanentError):
    """What a data provider sent cannot be the blocks of its records; the message has the numbers."""


class Memberships:
    """Which record is in which blocks, collected one by one in ``file``: empty, writable and readable."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._count = 0
        self._highest_record = -1
        self._record, self._record_bytes = -1, b""
        self._blocks_of_record = 0
        self.is_received = False

    def begin(self) -> None:
        """Blocking information starts here. Raises InvalidBlocks when there has been some before."""
        if self.is_received:
            raise InvalidBlocks("the upload has blocking information in more than one place")
        self.is_received = True

    def mention(self, record: int) -> None:
        """There is a record of this index, whether it has blocks or not."""
        self._highest_record = max(self._highest_record, record)

    def add(self, record: int, name: str | int) -> None:
        """Record ``record`` (0 to 2**32 - 1) is in the block of that name, where it is once.

        Raises InvalidBlocks for a name that isn't text, and when there are too many.
        """
        if record != self._record:
            self.mention(record)
            self._record, self._blocks_of_record = record, 0
            self._record_bytes = record.to_bytes(4, "little")
        self._blocks_of_record += 1
        self._count += 1
        if self._blocks_of_record > MAX_BLOCKS_PER_RECORD:
            raise InvalidBlocks(f"record {record} is in more than {MAX_BLOCKS_PER_RECORD} blocks")
        if self._count > MAX_MEMBERSHIPS:
            raise InvalidBlocks(f"the records are in more than {MAX_MEMBERSHIPS} blocks in all")
        text = str(name)
        try:
            hashed = _hash_of_short(text) if len(text) <= _SHORT else block_hash(text)
        except UnicodeEncodeError:
            raise InvalidBlocks(f"the name of a block of record {record} is not valid text") from None
        self._file.write(hashed + self._record_bytes)

    def block_order(self, records: int) -> BlockOrder:
        """The order of a data set of ``records`` records.

        Raises InvalidBlocks, naming the index, when a record was named that isn't there.
        """
        if self._highest_record >= records:
            raise InvalidBlocks(
                f"'blocks' names record {self._highest_record}, but there are {records} records (from 0)"
            )
        self._file.flush()
        if self._count == 0:  # which cannot be mapped
            return BlockOrder(np.empty(0, MEMBERSHIP))
        return BlockOrder(np.memmap(self._file, MEMBERSHIP, "r", shape=(self._count,)))


class BlockOrder:
    """The stored rows of a blocked data set and the index of its blocks.

    ``rows``: uint32, (stored rows,), the record index of each stored row.
    """

    def __init__(self, memberships: NDArray[np.void]) -> None:
        self._hashes = memberships["hash"]
        records = memberships["record"].astype(np.uint32)
        order, same_block = self._sorted(records)
        records = records[order]
        is_repeated = same_block.copy()  # a record that is in a block twice counts once
        is_repeated[1:] &= records[1:] == records[:-1]
        self.rows: NDArray[np.uint32] = records[~is_repeated]
        self._block_members = order[~same_block]  # one membership of each block
        self._starts = np.flatnonzero(~same_block[~is_repeated])

    def _sorted(self, records: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The memberships by hash and record, and which of them have the hash of the one before."""
        first_words = self._hashes[:, 0].astype(np.uint64)
        order = np.lexsort((records, first_words))
        same_block = self._same_as_previous(order)
        in_order = first_words[order]
        if ((in_order[1:] == in_order[:-1]) & ~same_block[1:]).any():
            # Different blocks that share 64 bits: rare enough to sort once more.
            words: list[NDArray[Any]] = [self._hashes[:, word].astype(np.uint64) for word in (3, 2, 1)]
            order = np.lexsort([records, *words, first_words])
            same_block = self._same_as_previous(order)
        return order, same_block

    def _same_as_previous(self, order: NDArray[np.int64]) -> NDArray[np.bool_]:
        same = np.zeros(len(order), dtype=np.bool_)
        for start in range(1, len(order), SLAB_ROWS):
            slab = self._hashes[order[start - 1 : start + SLAB_ROWS]]
            same[start : start + SLAB_ROWS] = (slab[1:] == slab[:-1]).all(axis=1)
        return same

    def index(self) -> Iterator[bytes]:
        """``blocks.bin`` in pieces: the bytes of the ``BlockIndex``, which might not fit memory."""
        for start in range(0, len(self._block_members), SLAB_ROWS):
            yield self._hashes[self._block_members[start : start + SLAB_ROWS]].tobytes()
        yield from _slabs(np.append(self._starts, len(self.rows)), "<u8")

    def row_numbers(self) -> Iterator[bytes]:
        """``rows.u32`` in pieces."""
        return _slabs(self.rows, "<u4")

    def encodings(self, in_record_order: Encodings) -> Iterator[bytes]:
        """``encodings.bin`` in pieces: the rows of ``in_record_order``, which may be a mapped file."""
        step = max(1, SLAB_BYTES // in_record_order.shape[1])
        for start in range(0, len(self.rows), step):
            yield in_record_order[self.rows[start : start + step]].tobytes()


def _slabs(numbers: NDArray[np.generic], dtype: str) -> Iterator[bytes]:
    for start in range(0, len(numbers), SLAB_ROWS):
        yield numbers[start : start + SLAB_ROWS].astype(dtype).tobytes()
