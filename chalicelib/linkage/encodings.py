"""Encodings: from what a data provider sends to rows of equal size, and what is known of them.

Ingestion chains ``read_json_encodings`` → ``repack`` → storage, with a ``HeaderBuilder`` looking at
the same bytes; comparison turns stored byte ranges into arrays with ``as_array``. Everything streams:
memory follows the buffers, never the upload, whatever the upload contains.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

import ijson
import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import PermanentError

Encodings = NDArray[np.uint8]
"""uint8, (n, encoding_size_bytes), C-contiguous; row order is record order."""

LIST_KEYS = ("clks", "encodings")
JSON_READ_BYTES = 65_536  # 16 KiB to 1 MiB read equally fast; the events of one read are held at once
# The longest encoding in use is a few KiB of base64. The parser holds an unfinished value in memory,
# so a value that goes on for longer is refused instead of collected.
MAX_VALUE_BYTES = 1 << 20
MAX_NESTING = 64  # the parser's stack grows with depth; an upload needs two levels
POPCOUNT_SLAB_BYTES = 1 << 20  # intermediate counts stay in the processor's cache


class InvalidEncodings(PermanentError):
    """What a data provider sent cannot be encodings; the message names the row and the numbers."""


@dataclass(frozen=True)
class Header:
    """What is known of a dataset's encodings without reading them.

    ``popcount_histogram[p]`` is the number of records with p bits set, p from 0 to
    8 * ``encoding_size_bytes`` inclusive; ``checksum`` is the hex blake2b-256 of all bytes in order.
    """

    count: int
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

    def build(self) -> Header:
        """The header of all bytes so far. Raises InvalidEncodings when they end within an encoding."""
        count = int(self._histogram.sum())
        if self._unfinished:
            raise InvalidEncodings(
                f"expected {self._size} bytes an encoding, got {len(self._unfinished)} at record {count}"
            )
        return Header(count, self._size, tuple(self._histogram.tolist()), self._digest.hexdigest())

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


def read_json_encodings(stream: BinaryIO) -> Iterator[bytes]:
    """The encodings of ``{"clks": [base64, …]}`` or ``{"encodings": [base64, …]}``, in order.

    Other keys are ignored, whatever they hold. Holds one read and one value (at most
    ``MAX_VALUE_BYTES``) at a time. Line breaks within base64 are accepted: older clkhash writes them.

    Raises InvalidEncodings, naming the row, for an item that is not a string, is empty or is not
    base64; for malformed, truncated, deeply nested or otherwise unreasonable JSON; for no list, an
    empty one or more than one.
    """
    row = -1
    for row, text in enumerate(_list_items(_json_events(stream))):
        yield _decode(text, row)
    if row < 0:
        raise InvalidEncodings("Missing CLKs information")


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


def _decode(text: object, row: int) -> bytes:
    if not isinstance(text, str):
        raise InvalidEncodings(f"the encoding at record {row} is not a string")
    try:
        encoding = _decode_base64(text)
    except ValueError:  # binascii.Error is one; its cause is cut off, because it would show the text
        raise InvalidEncodings(f"the encoding at record {row} is not valid base64") from None
    if not encoding:
        raise InvalidEncodings(f"the encoding at record {row} is empty")
    return encoding


def _decode_base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)


def _json_events(stream: BinaryIO) -> Iterator[tuple[str, object]]:
    """The parser's events. Raises InvalidEncodings for what is not JSON or is meant to do harm."""
    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events)
    silent_bytes = 0
    while True:
        text = stream.read(JSON_READ_BYTES)
        _parse(parser, text)
        yield from events
        silent_bytes = 0 if events else silent_bytes + len(text)
        if silent_bytes > MAX_VALUE_BYTES:
            raise InvalidEncodings(f"a value in the JSON is longer than {MAX_VALUE_BYTES} bytes")
        if not text:
            return
        events.clear()


def _parse(parser: Generator[None, bytes, None], text: bytes) -> None:
    try:
        parser.send(text)
    except StopIteration:  # the answer to b"", which ends the document
        pass
    # ArithmeticError is a number like 1e9999999999999999999; SystemError is what the C parser makes of
    # an integer beyond Python's 4300 digits. Their texts quote the document, so they are cut off.
    except (ijson.JSONError, ValueError, ArithmeticError, SystemError):
        raise InvalidEncodings("the upload is malformed or truncated JSON") from None


def _list_items(events: Iterable[tuple[str, object]]) -> Iterator[object]:
    """The items of the list of encodings: scalars as they are, None for a nested list or object.

    Written as one loop over flat events because it runs once an encoding, a hundred million times.
    """
    depth = 0
    key: object = None
    in_list = found = False
    for event, value in events:
        if event == "string" and in_list:
            yield value
        elif event == "map_key":
            if depth == 1:
                key = value
        elif event in ("start_map", "start_array"):
            depth += 1
            if in_list:
                yield None
            elif depth > MAX_NESTING:
                raise InvalidEncodings(f"the JSON is nested more than {MAX_NESTING} levels deep")
            elif depth == 2 and event == "start_array" and key in LIST_KEYS:
                if found:
                    raise InvalidEncodings("the upload has more than one list of encodings")
                in_list = found = True
        elif event in ("end_map", "end_array"):
            depth -= 1
            in_list = in_list and depth > 1
        elif in_list:
            yield value
