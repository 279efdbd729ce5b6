"""Encodings: from what a data provider sends to rows of equal size, and what is known of them.

Ingestion chains ``read_json_encodings`` (in ``json_encodings``, since only it needs the parser) →
``repack`` → in blocked projects ``block_order`` → storage; comparison turns stored byte ranges into arrays.
Everything streams: memory follows the buffers, never the upload.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import PermanentError

Encodings = NDArray[np.uint8]
"""uint8, (n, encoding_size_bytes), C-contiguous; row order is record order."""


class InvalidEncodings(PermanentError):
    """What a data provider sent cannot be encodings; the message names the row and the numbers."""


@dataclass(frozen=True)
class Header:
    """What is known of a dataset's encodings without reading them.

    ``count`` is the number of records; ``stored_rows`` differs from it in a blocked data set, which holds
    a record as often as it has blocks.
    """

    count: int
    stored_rows: int
    encoding_size_bytes: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def popcounts(encodings: Encodings) -> NDArray[np.uint32]:
    """The number of bits set in each row: uint32, (n,)."""
    size_bytes = encodings.shape[1]
    words = encodings.view(np.uint64) if size_bytes % 8 == 0 else encodings
    counts: NDArray[np.uint32] = np.bitwise_count(words).sum(axis=1, dtype=np.uint32)
    return counts


@dataclass(frozen=True)
class Batch:
    """Some encodings of one size, one after the other; at least one."""

    data: bytes
    size_bytes: int

    @property
    def count(self) -> int:
        return len(self.data) // self.size_bytes


def repack(batches: Iterable[Batch], buffer_bytes: int = 8 << 20) -> Iterator[bytes]:
    """The same bytes in buffers of about ``buffer_bytes`` (whole encodings, the last buffer shorter).

    Raises InvalidEncodings naming the first encoding whose size differs from that of the first.
    """
    size_bytes = None
    record = 0
    buffer = bytearray()
    for batch in batches:
        if batch.size_bytes != size_bytes:
            if size_bytes is not None:
                raise InvalidEncodings(
                    f"expected {size_bytes} bytes an encoding, got {batch.size_bytes} at record {record}"
                )
            size_bytes = batch.size_bytes
        record += batch.count
        buffer += batch.data
        if len(buffer) >= buffer_bytes:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def padded(batches: Iterable[Batch], size_bytes: int) -> Iterator[Batch]:
    """Every encoding with zeros at its end up to ``size_bytes``.

    Raises InvalidEncodings naming the first that is longer.
    """
    record = 0
    for batch in batches:
        if batch.size_bytes > size_bytes:
            raise InvalidEncodings(
                f"expected at most {size_bytes} bytes an encoding, got {batch.size_bytes} at record {record}"
            )
        rows = np.frombuffer(batch.data, dtype=np.uint8).reshape(batch.count, batch.size_bytes)
        wider = np.pad(rows, ((0, 0), (0, size_bytes - batch.size_bytes)))
        yield Batch(wider.tobytes(), size_bytes)
        record += batch.count


def check_encoding_size(size_bytes: int, minimum: int, maximum: int, expected: int | None) -> None:
    """Raises InvalidEncodings unless a run can compare encodings of ``size_bytes``.

    That is: a multiple of 8 bytes, ``minimum`` ≤ size ≤ ``maximum``, and ``expected`` where one is
    given; checked in this order, so the message names what is wrong with the size itself first.
    """
    if size_bytes % 8:
        raise InvalidEncodings(f"Encoding size must be multiple of 8 bytes (64 bits), got {size_bytes} bytes")
    if not minimum <= size_bytes <= maximum:
        raise InvalidEncodings(
            f"Encoding size out of configured bounds: {size_bytes} bytes, allowed are {minimum} to {maximum}"
        )
    if expected is not None and size_bytes != expected:
        raise InvalidEncodings(
            f"Mismatch in encoding sizes. Stopping: expected {expected} bytes, got {size_bytes}"
        )
