"""Encodings: from what a data provider sends to rows of equal size, and what is known of them.

Ingestion chains ``read_json_encodings`` (in ``json_encodings``, since only it needs the parser) →
``repack`` → in blocked projects ``block_order`` → storage, with a ``HeaderBuilder`` looking at the same
bytes; comparison turns stored byte ranges into arrays with ``as_array``. Everything streams: memory
follows the buffers, never the upload.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import PermanentError

Encodings = NDArray[np.uint8]
"""uint8, (n, encoding_size_bytes), C-contiguous; row order is record order."""

POPCOUNT_SLAB_BYTES = 1 << 20  # intermediate counts stay in the processor's cache


class InvalidEncodings(PermanentError):
    """What a data provider sent cannot be encodings; the message names the row and the numbers."""


@dataclass(frozen=True)
class Header:
    """What is known of a dataset's encodings without reading them.

    ``count`` is the number of records; ``stored_rows`` differs from it in a blocked data set, which holds
    a record as often as it has blocks. Of the stored rows are ``popcount_histogram``, where [p] is the
    number with p bits set, p from 0 to 8 * ``encoding_size_bytes`` inclusive, and ``checksum``, the hex
    blake2b-256 of all bytes in order.
    """

    count: int
    stored_rows: int
    encoding_size_bytes: int
    popcount_histogram: tuple[int, ...]
    checksum: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Header:
        """The header that ``to_json`` wrote. Raises ValueError, KeyError or TypeError for other text."""
        fields = json.loads(text)
        return cls(
            count=fields["count"],
            stored_rows=fields["stored_rows"],
            encoding_size_bytes=fields["encoding_size_bytes"],
            popcount_histogram=tuple(fields["popcount_histogram"]),
            checksum=fields["checksum"],
        )


class HeaderBuilder:
    """Builds the Header of encodings that pass by in pieces of any size; holds less than one encoding."""

    def __init__(self, encoding_size_bytes: int) -> None:
        if encoding_size_bytes < 1:
            raise InvalidEncodings(f"an encoding has at least 1 byte, got {encoding_size_bytes}")
        self._size = encoding_size_bytes
        self._digest = hashlib.blake2b(digest_size=32)
        self._histogram = np.zeros(8 * encoding_size_bytes + 1, dtype=np.int64)
        self._unfinished = b""

    def update(self, data: bytes) -> None:
        """Takes the next bytes. They may start and end in the middle of an encoding."""
        self._digest.update(data)
        view = memoryview(data)
        if self._unfinished:
            needed = self._size - len(self._unfinished)
            self._unfinished += bytes(view[:needed])
            view = view[needed:]
            if len(self._unfinished) < self._size:
                return
            self._count_popcounts(memoryview(self._unfinished))
        whole = len(view) - len(view) % self._size
        self._unfinished = bytes(view[whole:])
        self._count_popcounts(view[:whole])

    def build(self, count: int | None = None) -> Header:
        """The header of all bytes so far, of ``count`` records if that isn't the number of rows.

        Raises InvalidEncodings when the bytes end within an encoding.
        """
        stored_rows = int(self._histogram.sum())
        if self._unfinished:
            raise InvalidEncodings(
                f"expected {self._size} bytes an encoding,"
                f" got {len(self._unfinished)} at record {stored_rows}"
            )
        return Header(
            count=stored_rows if count is None else count,
            stored_rows=stored_rows,
            encoding_size_bytes=self._size,
            popcount_histogram=tuple(self._histogram.tolist()),
            checksum=self._digest.hexdigest(),
        )

    def _count_popcounts(self, rows: memoryview) -> None:
        step = max(1, POPCOUNT_SLAB_BYTES // self._size) * self._size
        for start in range(0, len(rows), step):
            counts = popcounts(as_array(rows[start : start + step], self._size))
            self._histogram += np.bincount(counts, minlength=len(self._histogram))


def popcounts(encodings: Encodings) -> NDArray[np.uint32]:
    """The number of bits set in each row: uint32, (n,)."""
    size_bytes = encodings.shape[1]
    words = encodings.view(np.uint64) if size_bytes % 8 == 0 else encodings
    counts: NDArray[np.uint32] = np.bitwise_count(words).sum(axis=1, dtype=np.uint32)
    return counts


def repack(rows: Iterable[bytes], buffer_bytes: int = 8 << 20) -> Iterator[bytes]:
    """The same bytes in buffers of about ``buffer_bytes`` (whole rows, the last buffer shorter).

    Raises InvalidEncodings naming the first row whose size differs from that of row 0.
    """
    size_bytes = None
    buffer = bytearray()
    for record, row in enumerate(rows):
        if len(row) != size_bytes:
            if size_bytes is not None:
                raise InvalidEncodings(
                    f"expected {size_bytes} bytes an encoding, got {len(row)} at record {record}"
                )
            size_bytes = len(row)
        buffer += row
        if len(buffer) >= buffer_bytes:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def padded(rows: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    """Every row with zeros at its end up to ``size_bytes``.

    Raises InvalidEncodings naming the first row that is longer.
    """
    for record, row in enumerate(rows):
        if len(row) > size_bytes:
            raise InvalidEncodings(
                f"expected at most {size_bytes} bytes an encoding, got {len(row)} at record {record}"
            )
        yield row.ljust(size_bytes, b"\0")


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


def as_array(data: bytes | memoryview, encoding_size_bytes: int) -> Encodings:
    """``data`` as rows of encodings: a read-only view where ``data`` is read-only, no copy.

    Raises InvalidEncodings when ``data`` is not a whole number of encodings.
    """
    if len(data) % encoding_size_bytes:
        raise InvalidEncodings(
            f"expected a multiple of {encoding_size_bytes} bytes, got {len(data)} bytes of encodings"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, encoding_size_bytes)
