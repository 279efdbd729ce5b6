"""The blocks of records out of JSON: ``{"0": ["block", …], "1": [], …}``, keyed by record index.

The same object stands under ``blocks`` in an upload of encodings, in a file of its own, and in a request
that refers to encodings elsewhere.
"""

from __future__ import annotations

from chalicelib.linkage.block_order import InvalidBlocks, Memberships
from chalicelib.linkage.json_events import Events, Readable, skip_value, top_level_keys

BLOCKING_DISABLED = "Blocking has been disabled for this project, but received blocking information"
BLOCKING_EXPECTED = "Expecting blocking information: either in 'blocks' or 'clknblocks'"

_RECORDS = 1 << 32  # a record index is a uint32


def read_json_blocks(stream: Readable, memberships: Memberships) -> None:
    """Take the blocks of ``{"blocks": {…}}``; other keys are ignored, whatever they hold.

    Raises InvalidBlocks as ``read_block_map`` does and when there is no ``blocks``, InvalidEncodings
    for unreasonable JSON.
    """
    events = Events(stream)
    found = False
    for key in top_level_keys(events):
        if key == "blocks":
            found = True
            read_block_map(events, memberships)
        else:
            skip_value(events)
    if not found:
        raise InvalidBlocks(BLOCKING_EXPECTED)


def read_block_map(events: Events, memberships: Memberships | None) -> None:
    """Take the next value as the blocks of each record. A record that isn't named has none; one that is
    named twice has the blocks of both.

    Raises InvalidBlocks for a project without blocking (``memberships`` is None), for blocks that came
    before, for a key that is no record index, and for names that are neither text nor integers.
    """
    blocks = taking_blocks(memberships)
    if next(events)[0] != "start_map":
        raise InvalidBlocks("'blocks' is not an object")
    for number, (event, key) in enumerate(events):
        if event == "end_map":
            return
        record = _record_index(str(key), number)
        blocks.mention(record)
        if next(events)[0] != "start_array":
            raise InvalidBlocks(f"the blocks of record {record} are not a list")
        read_names(events, blocks, record)


def taking_blocks(memberships: Memberships | None) -> Memberships:
    """Where the blocks that begin here go.

    Raises InvalidBlocks when the project takes none, or has them already.
    """
    if memberships is None:
        raise InvalidBlocks(BLOCKING_DISABLED)
    memberships.begin()
    return memberships


def read_names(events: Events, memberships: Memberships, record: int) -> None:
    """Take names up to the end of the list. Raises InvalidBlocks for one that isn't text or integer."""
    for event, name in events:
        if event == "end_array":
            return
        if event == "string" or (event == "number" and isinstance(name, int)):
            memberships.add(record, name)  # type: ignore[arg-type]  # a str or an int
        else:
            raise InvalidBlocks(f"the name of a block of record {record} is neither text nor an integer")


def _record_index(key: str, number: int) -> int:
    is_decimal = key.isascii() and key.isdigit() and len(key) <= len(str(_RECORDS))
    if is_decimal and str(int(key)) == key and int(key) < _RECORDS:
        return int(key)
    raise InvalidBlocks(f"key {number} of 'blocks' (counted from 0) is not the index of a record")
