from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.blocking import (
    RECTANGLE_BYTES,
    BlockIndex,
    block_hash,
    common_blocks,
    rectangles_from_bytes,
    rectangles_to_bytes,
)


def index(sizes: dict[str, int]) -> BlockIndex:
    hashes = sorted(sizes, key=block_hash)
    offsets = array("Q", [0])
    for name in hashes:
        offsets.append(offsets[-1] + sizes[name])
    return BlockIndex(b"".join(map(block_hash, hashes)), offsets)


SIZES = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 9))


def test_a_number_and_its_text_are_the_same_block():
    assert block_hash(1) == block_hash("1") != block_hash("01")


@given(SIZES)
def test_an_index_survives_storage(sizes):
    made = index(sizes)

    assert BlockIndex.from_bytes(made.to_bytes()) == made
    assert made.stored_rows == sum(sizes.values())
    assert len(made) == len(sizes)


@pytest.mark.parametrize(
    "data",
    [b"", bytes(7), bytes(9), array("Q", [1]).tobytes(), bytes(32) + array("Q", [0, 0]).tobytes()],
    ids=["nothing", "too short", "too long", "not from 0", "an empty block"],
)
def test_what_is_no_index_is_refused(data):
    with pytest.raises(ValueError, match=r"index of blocks"):
        BlockIndex.from_bytes(data)


@given(SIZES, SIZES)
def test_common_blocks_are_those_of_both_in_ascending_order(sizes_a, sizes_b):
    common = list(common_blocks(index(sizes_a), index(sizes_b)))

    names = sorted(sizes_a.keys() & sizes_b.keys(), key=block_hash)
    lengths = [(stop_a - start_a, stop_b - start_b) for start_a, stop_a, start_b, stop_b in common]
    assert lengths == [(sizes_a[name], sizes_b[name]) for name in names]
    assert common == sorted(common)
    assert [block[2:] for block in common] == sorted(block[2:] for block in common)


@given(st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 4)))
def test_a_list_of_blocks_survives_storage_whole_and_in_part(rectangles):
    data = b"".join(rectangles_to_bytes(rectangles))

    assert len(data) == RECTANGLE_BYTES * len(rectangles)
    assert rectangles_from_bytes(data) == rectangles
    assert rectangles_from_bytes(data[RECTANGLE_BYTES:]) == rectangles[1:]


def test_half_a_block_of_a_list_is_refused():
    with pytest.raises(ValueError, match="whole number"):
        rectangles_from_bytes(bytes(15))
