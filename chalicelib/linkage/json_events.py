"""JSON as a stream of parser events, with bounds on what a document can make this process hold.

What arrives here was sent by anybody with a token, so it may be cut off, nested a million levels
deep, or one endless string: each is refused with a reason, and no reason quotes the upload.

A reader takes the values it knows by key (``top_level_keys``) and passes over the others
(``skip_value``); all of them draw from one iterator of events.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

import ijson

from chalicelib.linkage.encodings import InvalidEncodings


class Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""


Event = tuple[str, object]
"""("map_key", str), ("string", str), ("number", int or Decimal), ("start_map", None), …"""

JSON_READ_BYTES = 65_536  # 16 KiB to 1 MiB read equally fast; the events of one read are held at once
# The longest encoding in use is a few KiB of base64. The parser holds an unfinished value in memory,
# so a value that goes on for longer is refused instead of collected.
MAX_VALUE_BYTES = 1 << 20
MAX_NESTING = 64  # the parser's stack grows with depth; an upload needs three levels


class Events(Iterator[Event]):
    """The events of one JSON document. Holds one read and one value (at most ``MAX_VALUE_BYTES``).

    Raises InvalidEncodings for what is malformed, truncated, not UTF-8 or meant to exhaust memory.
    """

    def __init__(self, stream: Readable) -> None:
        self._at_hand: Iterator[Event] = iter(())
        self._events = self._read(stream)

    def __next__(self) -> Event:
        return next(self._events)

    def __iter__(self) -> Iterator[Event]:
        return self._events  # a loop then calls no Python for each event

    def strings(self) -> list[str]:
        """The strings that come next, as far as they have been parsed: maybe none."""
        events = list(self._at_hand)
        if not events:
            return []
        kinds, values = zip(*events, strict=True)
        count = len(kinds) if kinds.count("string") == len(kinds) else _leading(kinds)
        self._at_hand = iter(events[count:])
        return list(values[:count])

    def _read(self, stream: Readable) -> Iterator[Event]:
        events = ijson.sendable_list()
        parser = ijson.basic_parse_coro(events)
        silent_bytes = 0
        while True:
            text = stream.read(JSON_READ_BYTES)
            _parse(parser, text)
            self._at_hand = iter(events)
            while (event := next(self._at_hand, None)) is not None:  # which strings() may replace
                yield event
            silent_bytes = 0 if events else silent_bytes + len(text)
            if silent_bytes > MAX_VALUE_BYTES:
                raise InvalidEncodings(f"a value in the JSON is longer than {MAX_VALUE_BYTES} bytes")
            if not text:
                return
            events.clear()


def _leading(kinds: Sequence[str]) -> int:
    return next(place for place, kind in enumerate(kinds) if kind != "string")


def _parse(parser: Generator[None, bytes, None], text: bytes) -> None:
    try:
        parser.send(text)
    except StopIteration:  # the answer to b"", which ends the document
        pass
    # ArithmeticError is a number like 1e9999999999999999999; SystemError is what the C parser makes of
    # an integer beyond Python's 4300 digits. Their texts quote the document, so they are cut off.
    except (ijson.JSONError, ValueError, ArithmeticError, SystemError):
        raise InvalidEncodings("the upload is malformed or truncated JSON") from None


def top_level_keys(events: Events) -> Iterator[str]:
    """The keys of a document that is an object; whoever takes a key also takes its value.

    A document that is a list or a scalar has none.
    """
    for event, value in events:
        if event == "map_key":
            yield str(value)
        elif event == "start_array":
            skip_rest(events)


def skip_value(events: Events) -> None:
    """Pass over the next value, whatever it is. Raises InvalidEncodings for one that is nested too deep."""
    if next(events)[0] in ("start_map", "start_array"):
        skip_rest(events)


def skip_rest(events: Events) -> None:
    """Pass over the rest of the list or object that was just entered. Raises as ``skip_value`` does."""
    depth = 1
    for event, _ in events:
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > MAX_NESTING:
                raise InvalidEncodings(f"the JSON is nested more than {MAX_NESTING} levels deep")
        elif event in ("end_map", "end_array"):
            depth -= 1
            if depth == 0:
                return
