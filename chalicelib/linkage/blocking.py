"""Blocking: only records that share a block are compared.

A blocked data set is stored in block order: the encodings of one block's records after those of
another, blocks by their hash, records of a block by their index. A record is stored as often as it has
blocks, and not at all if it has none. So a block is one range of rows, and neighbouring blocks are
neighbouring ranges. Three files hold that: ``encodings.bin``, ``rows.u32`` (little-endian uint32, the
record index of each stored row) and ``blocks.bin``, which ``BlockIndex`` reads and writes.

No numpy here: planning needs none.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK_HASH_BYTES = 32
_OFFSET_BYTES = 8


def block_hash(name: str | int) -> bytes:
    """What stands for a block: the blake2b-256 of its name's text. Names themselves are never stored.

    1 and "1" are the same block. Raises UnicodeEncodeError for text that has no UTF-8.
    """
    return hashlib.blake2b(str(name).encode(), digest_size=BLOCK_HASH_BYTES).digest()


@dataclass(frozen=True)
class BlockIndex:
    """Where each block's rows are: rows ``offsets[i]`` to ``offsets[i + 1]`` (exclusive) are block i's.

    ``hashes`` are the blocks' hashes one after the other, ascending; ``offsets`` has one more uint64
    than there are blocks, from 0 to the number of stored rows.
    """

    hashes: bytes
    offsets: array[int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def stored_rows(self) -> int:
        return self.offsets[-1]

    def hash(self, block: int) -> bytes:
        return self.hashes[block * BLOCK_HASH_BYTES : (block + 1) * BLOCK_HASH_BYTES]

    def to_bytes(self) -> bytes:
        """The hashes, then the offsets as little-endian uint64."""
        return self.hashes + _little_endian(self.offsets).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> BlockIndex:
        """The index that ``to_bytes`` wrote. Raises ValueError for other bytes."""
        blocks, rest = divmod(len(data) - _OFFSET_BYTES, BLOCK_HASH_BYTES + _OFFSET_BYTES)
        if rest:
            raise ValueError(f"{len(data)} bytes are no index of blocks")
        offsets = array("Q")
        offsets.frombytes(data[blocks * BLOCK_HASH_BYTES :])
        return cls(data[: blocks * BLOCK_HASH_BYTES], _little_endian(offsets))


Rectangle = tuple[int, int, int, int]
"""(start_a, stop_a, start_b, stop_b): stored rows of one block in two data sets, stops exclusive."""


def common_blocks(a: BlockIndex, b: BlockIndex) -> Iterator[Rectangle]:
    """Where the blocks that both have are, in the order of their hashes, so ascending in both."""
    places = {b.hash(block): block for block in range(len(b))}
    for block in range(len(a)):
        other = places.get(a.hash(block))
        if other is not None:
            yield a.offsets[block], a.offsets[block + 1], b.offsets[other], b.offsets[other + 1]


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers
