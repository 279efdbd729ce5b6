"""Encodings out of JSON, as a stream: a few buffers are held, whatever the upload contains.

What arrives here was sent by anybody with a token, so it may be cut off, nested a million levels
deep, or one endless string: each is refused with a reason, and no reason quotes the upload.
"""

from __future__ import annotations

import binascii
from collections.abc import Generator, Iterable, Iterator
from typing import BinaryIO

import ijson

from chalicelib.linkage.encodings import InvalidEncodings

LIST_KEYS = ("clks", "encodings")
JSON_READ_BYTES = 65_536  # 16 KiB to 1 MiB read equally fast; the events of one read are held at once
# The longest encoding in use is a few KiB of base64. The parser holds an unfinished value in memory,
# so a value that goes on for longer is refused instead of collected.
MAX_VALUE_BYTES = 1 << 20
MAX_NESTING = 64  # the parser's stack grows with depth; an upload needs two levels


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
