"""Two parties' permutations and the mask: what they learn of each other's records is the mask alone.

Takes the pairs that ``solving`` found. Each party reorders its records by its own permutation; then the
records of one entity stand at the same position, and the mask says at which positions that is so.
Nobody sees both permutations.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.uint32]


@dataclass(frozen=True)
class Permutations:
    """``permutations[d][i]`` is the new position of record ``i`` of data set ``d``.

    Each is a bijection of ``range(len(permutations[d]))``, uint32. ``mask``, uint8, has a number for
    each position below the size of the smaller data set: 1 where matched records meet, else 0. Other
    records of both data sets may share a position, too; there the mask is 0.
    """

    permutations: tuple[Indices, Indices]
    mask: NDArray[np.uint8]


def permute(pairs: Indices, counts: tuple[int, int]) -> Permutations:
    """Permutations for matched ``pairs``, of shape (n, 2): a record of data set 0 and one of data set 1.

    Which positions the pairs take, and where all other records go, is uniformly random. Raises
    ValueError when a record isn't within its data set's count or is in two pairs.
    """
    rows = min(counts)
    if len(pairs) > rows:
        raise ValueError(f"{len(pairs)} pairs are more than the smaller data set's {rows} records")
    matched = _shuffled(rows)[: len(pairs)]
    mask = np.zeros(rows, dtype=np.uint8)
    mask[matched] = 1
    first, second = (_placed(pairs[:, d], matched, counts[d]) for d in (0, 1))
    return Permutations((first, second), mask)


def _placed(records: Indices, matched: Indices, count: int) -> Indices:
    """``records`` go to ``matched`` in this order, the others to the positions that are left, at random."""
    is_matched, is_taken = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    if len(records) and records.max() >= count:
        raise ValueError(f"a record is beyond the data set's count of {count}")
    is_matched[records] = True
    is_taken[matched] = True
    if np.count_nonzero(is_matched) != len(records):
        raise ValueError("a record is in two pairs")
    left = np.flatnonzero(~is_taken)
    permutation = np.empty(count, dtype=np.uint32)
    permutation[records] = matched
    permutation[~is_matched] = left[_shuffled(len(left))]
    return permutation


def _shuffled(count: int) -> Indices:
    """``range(count)`` in an order drawn uniformly: sorted by random keys.

    The keys are the operating system's own. A generator that is merely seeded from it won't do: a party
    sees in its permutation what the generator gave, could compute its state, and from it the other's.
    Of 64 bits each, two of 10^7 keys are equal once in 10^5 times, and then that one order is fixed.
    """
    keys = np.frombuffer(secrets.token_bytes(8 * count), dtype="<u8")
    return np.argsort(keys).astype(np.uint32)


def to_bytes(permutations: Permutations) -> bytes:
    """In compact form, about 4 bytes a record.

    Little-endian uint32: both counts, then both permutations; then the mask, 8 positions a byte.
    """
    first, second = permutations.permutations
    counts = np.array([len(first), len(second)], dtype="<u4")
    numbers = (column.astype("<u4", copy=False).tobytes() for column in (counts, first, second))
    return b"".join((*numbers, np.packbits(permutations.mask).tobytes()))


def mask_offset(counts: tuple[int, int]) -> int:
    """Where the mask begins in what ``to_bytes`` gives, in bytes."""
    return 4 * (2 + sum(counts))


def from_bytes(data: bytes) -> Permutations:
    """What ``to_bytes`` wrote. Raises ValueError when bytes are missing or left over."""
    first, second = (int(count) for count in np.frombuffer(data, dtype="<u4", count=2))
    rows, numbers_end = min(first, second), mask_offset((first, second))
    if len(data) != numbers_end + (rows + 7) // 8:
        raise ValueError(f"{len(data)} bytes are not the permutations that were written")
    numbers = np.frombuffer(data, dtype="<u4", count=first + second, offset=8)
    mask = np.unpackbits(np.frombuffer(data, dtype=np.uint8, offset=numbers_end), count=rows)
    return Permutations((numbers[:first], numbers[first:]), mask)
