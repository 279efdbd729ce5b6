"""Slices of a mask: how long they are to be, and the line of the manifest that ``permute`` writes of each and
``encrypt_mask`` reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from chalicelib.config import settings
from chalicelib.linkage.planning import Workers
from chalicelib.storage.costs import encrypting_seconds

_BITS_A_BYTE = 8
# If they aren't too short then: so that progress shows, and no worker waits long for the last one.
_SLICES_A_WORKER = 8


class SliceTask(TypedDict):
    """Everything that an encrypting function needs to know; the bits themselves it reads from S3."""

    project_id: str
    run_id: str
    start: int  # position in the mask, a multiple of 8
    stop: int
    mask_offset: int  # where the mask begins in the run's permutations, in bytes
    modulus: str  # of the public key, as in its JWK


def plan_slices(bits: int, key_bits: int) -> Iterator[tuple[int, int]]:
    """Ranges of positions (start, stop) of about the same length, each worth a function's start.

    The same arguments give the same plan under the same settings.
    """
    step = slice_bits(bits, key_bits)
    return ((start, min(start + step, bits)) for start in range(0, bits, step))


def slice_bits(bits: int, key_bits: int) -> int:
    """The length of a slice, a multiple of 8."""
    s = settings()
    one = encrypting_seconds(1, key_bits, s.compare_memory_mb)
    workers = Workers(s.compare_concurrency * _SLICES_A_WORKER, s.chunk_min_seconds, s.chunk_max_seconds)
    share = workers.share(bits * one) / one
    return max(_BITS_A_BYTE, round(share / _BITS_A_BYTE) * _BITS_A_BYTE)
