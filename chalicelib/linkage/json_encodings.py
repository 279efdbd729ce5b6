"""Encodings, and the blocks of their records, out of JSON, as a stream: a few buffers are held.

The forms are ``{"clks": [base64, …]}``, ``{"encodings": [base64, …]}``, either with ``"blocks": {…}``
before or after it, and ``{"clknblocks": [[base64, block, …], …]}``.
"""

from __future__ import annotations

import binascii
from collections.abc import Generator, Iterator

from chalicelib.linkage.base64_rows import decode_alike
from chalicelib.linkage.block_order import Memberships
from chalicelib.linkage.encodings import Batch, InvalidEncodings
from chalicelib.linkage.json_blocks import read_block_map, read_names, taking_blocks
from chalicelib.linkage.json_events import (
    Events,
    Readable,
    skip_rest,
    skip_value,
    top_level_keys,
)

LIST_KEYS = ("clks", "encodings", "clknblocks")


def read_json_encodings(stream: Readable, memberships: Memberships | None = None) -> Iterator[Batch]:
    """The encodings of an upload, in order; the blocks of its records go into ``memberships``.

    ``memberships`` is None for a project without blocking, which takes no blocks. Other keys are
    ignored, whatever they hold. Line breaks within base64 are accepted: older clkhash writes them.

    Raises InvalidEncodings, naming the record, for an item that is not a string, is empty or is not
    base64, and for blocks that ``json_blocks`` refuses; for malformed, truncated, deeply nested or
    otherwise unreasonable JSON; for no list, an empty one or more than one.
    """
    found = False
    count = 0
    events = Events(stream)
    for key in top_level_keys(events):
        if key in LIST_KEYS:
            if found:
                raise InvalidEncodings("the upload has more than one list of encodings")
            found = True
            count = yield from _blocked(events, memberships) if key == "clknblocks" else _plain(events)
        elif key == "blocks":
            read_block_map(events, memberships)
        else:
            skip_value(events)
    if count == 0:
        raise InvalidEncodings("Missing CLKs information")


def _plain(events: Events) -> Generator[Batch, None, int]:
    if not _is_list(events):
        return 0
    row = 0
    for event, text in events:
        if event == "end_array":
            break
        if event != "string":
            raise InvalidEncodings(f"the encoding at record {row} is not a string")
        texts = [str(text), *events.strings()]
        batch = decode_alike(texts)
        if batch is not None:
            yield batch
        else:
            yield from (_decode(each, record) for record, each in enumerate(texts, start=row))
        row += len(texts)
    return row


def _blocked(events: Events, memberships: Memberships | None) -> Generator[Batch, None, int]:
    blocks = taking_blocks(memberships)
    if not _is_list(events):
        return 0
    row = 0
    for event, _ in events:
        if event == "end_array":
            break
        if event != "start_array":
            raise InvalidEncodings(f"the item at record {row} is not a list of an encoding and its blocks")
        event, text = next(events)
        if event != "string":
            raise InvalidEncodings(f"the encoding at record {row} is not a string")
        yield _decode(str(text), row)
        read_names(events, blocks, row)
        row += 1
    return row


def _is_list(events: Events) -> bool:
    """Whether the next value is a list, which is then entered; any other is passed over."""
    event, _ = next(events)
    if event == "start_map":
        skip_rest(events)
    return event == "start_array"


def _decode(text: str, row: int) -> Batch:
    try:
        encoding = _decode_base64(text)
    except ValueError:  # binascii.Error is one; its cause is cut off, because it would show the text
        raise InvalidEncodings(f"the encoding at record {row} is not valid base64") from None
    if not encoding:
        raise InvalidEncodings(f"the encoding at record {row} is empty")
    return Batch(encoding, len(encoding))


def _decode_base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
