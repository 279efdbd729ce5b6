"""Block order does not depend on how memberships arrive, and is what an obvious program makes of them."""

from __future__ import annotations

import io
import json
from array import array
from collections import defaultdict
from tempfile import TemporaryFile

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.block_order import MEMBERSHIP, BlockOrder, Memberships
from chalicelib.linkage.blocking import BlockIndex, block_hash
from chalicelib.linkage.encodings import InvalidEncodings
from chalicelib.linkage.json_blocks import InvalidBlocks, read_json_blocks

names = st.sampled_from(["a", "b", "1", "", "é", "x" * 100]) | st.integers(-3, 3) | st.text(max_size=3)
blocks_of_records = st.lists(st.lists(names, max_size=5), min_size=1, max_size=20)


def expected(blocks: list[list[str | int]], encodings: np.ndarray) -> tuple[bytes, bytes, bytes]:
    """The three files, from the definition."""
    members = defaultdict(set)
    for record, in_blocks in enumerate(blocks):
        for name in in_blocks:
            members[block_hash(name)].add(record)
    rows, offsets = [], [0]
    for hashed in sorted(members):
        rows += sorted(members[hashed])
        offsets.append(len(rows))
    index = BlockIndex(b"".join(sorted(members)), array("Q", offsets))
    return encodings[rows].tobytes(), np.array(rows, "<u4").tobytes(), index.to_bytes()


def files(order: BlockOrder, encodings: np.ndarray) -> tuple[bytes, bytes, bytes]:
    pieces = order.encodings(encodings), order.row_numbers(), order.index()
    return tuple(b"".join(of_file) for of_file in pieces)


def random_encodings(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 8), dtype=np.uint8)


@given(blocks_of_records, st.randoms())
def test_block_order_is_what_the_definition_says(blocks, random):
    keyed = [(str(record), in_blocks) for record, in_blocks in enumerate(blocks)]
    random.shuffle(keyed)
    encodings = random_encodings(len(blocks))

    with TemporaryFile() as file:
        memberships = Memberships(file)
        read_json_blocks(io.BytesIO(json.dumps({"x": 1, "blocks": dict(keyed)}).encode()), memberships)
        found = files(memberships.block_order(len(blocks)), encodings)

    assert found == expected(blocks, encodings)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([b"\0\0", b"\0\1", b"\1\0"])), max_size=30))
def test_blocks_whose_hashes_begin_alike_stay_apart(pairs):
    """Hashes of 32 bytes that differ in their last two alone, as no name will ever have them."""
    content = b"".join(bytes(30) + ending + record.to_bytes(4, "little") for record, ending in pairs)

    order = BlockOrder(np.frombuffer(content, MEMBERSHIP))

    kept = sorted({(ending, record) for record, ending in pairs})
    assert order.rows.tolist() == [record for _, record in kept]
    hashes = BlockIndex.from_bytes(b"".join(order.index())).hashes
    assert hashes == b"".join(bytes(30) + ending for ending in sorted({ending for ending, _ in kept}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)
nearly_blocks = st.dictionaries(
    st.integers(-2, 30).map(str) | st.text(max_size=3), st.lists(json_values, max_size=3) | json_values
)


@given(st.binary(max_size=60) | nearly_blocks.map(lambda value: json.dumps({"blocks": value}).encode()))
def test_any_file_of_blocks_is_read_or_refused(document):
    with TemporaryFile() as file:
        memberships = Memberships(file)
        try:
            read_json_blocks(io.BytesIO(document), memberships)
            order = memberships.block_order(31)
        except (InvalidBlocks, InvalidEncodings):
            return

    blocks = json.loads(document)["blocks"]
    assert set(order.rows.tolist()) == {int(record) for record, in_blocks in blocks.items() if in_blocks}
