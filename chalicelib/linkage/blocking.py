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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from operator import lt

from chalicelib.linkage.rectangles import Rectangle

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
        """The index that ``to_bytes`` wrote. Raises ValueError for bytes that can't be one."""
        blocks, rest = divmod(len(data) - _OFFSET_BYTES, BLOCK_HASH_BYTES + _OFFSET_BYTES)
        if rest:
            raise ValueError(f"{len(data)} bytes are no index of blocks")
        offsets = array("Q")
        offsets.frombytes(data[blocks * BLOCK_HASH_BYTES :])
        offsets = _little_endian(offsets)
        if offsets[0] != 0 or not all(map(lt, offsets, islice(offsets, 1, None))):
            raise ValueError("the rows of an index of blocks do not ascend from 0")
        return cls(data[: blocks * BLOCK_HASH_BYTES], offsets)


def common_blocks(a: BlockIndex, b: BlockIndex) -> Iterator[Rectangle]:
    """Where the blocks that both have are, in the order of their hashes, so ascending in both.

    Holds nothing besides the two indexes. O(len(a) + len(b)).
    """
    block_a = block_b = 0
    while block_a < len(a) and block_b < len(b):
        hash_a, hash_b = a.hash(block_a), b.hash(block_b)
        if hash_a == hash_b:
            yield a.offsets[block_a], a.offsets[block_a + 1], b.offsets[block_b], b.offsets[block_b + 1]
        block_a += hash_a <= hash_b
        block_b += hash_b <= hash_a


RECTANGLE_BYTES = 16


def rectangles_to_bytes(rectangles: Iterable[Rectangle]) -> Iterator[bytes]:
    """Four little-endian uint32 each, in pieces of 64 KiB. Raises OverflowError beyond 2**32 rows."""
    iterator = iter(rectangles)
    while piece := list(islice(iterator, 4_096)):
        yield _little_endian(array("I", chain.from_iterable(piece))).tobytes()


def rectangles_from_bytes(data: bytes) -> list[Rectangle]:
    """The rectangles that ``rectangles_to_bytes`` wrote. Raises ValueError for a part of one."""
    if len(data) % RECTANGLE_BYTES:
        raise ValueError(f"{len(data)} bytes are no whole number of rectangles")
    numbers = array("I")
    numbers.frombytes(data)
    corners = iter(_little_endian(numbers))
    return list(zip(corners, corners, corners, corners, strict=True))


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers
