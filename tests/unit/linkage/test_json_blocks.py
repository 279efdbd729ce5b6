from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest

from chalicelib.linkage import block_order
from chalicelib.linkage.block_order import InvalidBlocks, Memberships
from chalicelib.linkage.encodings import InvalidEncodings
from chalicelib.linkage.json_blocks import read_json_blocks
from tests.encodings import encodings_in

ROWS = [bytes([number]) * 8 for number in range(3)]
TEXTS = [base64.b64encode(row).decode() for row in ROWS]
BLOCKS = {"2": ["b"], "0": ["a", "b"]}


@pytest.fixture
def memberships() -> Iterator[Memberships]:
    with TemporaryFile() as file:
        yield Memberships(file)


def as_file(document: object) -> io.BytesIO:
    return io.BytesIO(json.dumps(document).encode())


@pytest.mark.parametrize(
    "document",
    [
        {"encodings": TEXTS, "blocks": BLOCKS},
        {"blocks": BLOCKS, "encodings": TEXTS},
        {"clks": TEXTS, "x": [{"blocks": 1}], "blocks": {**BLOCKS, "1": []}},
        {"clknblocks": [[TEXTS[0], "b", "a", "b"], [TEXTS[1]], [TEXTS[2], "b"]]},
    ],
    ids=["after", "before", "clks", "clknblocks"],
)
def test_blocks_come_with_encodings_in_several_forms(memberships, document):
    assert list(encodings_in(as_file(document), memberships)) == ROWS

    rows = memberships.block_order(3).rows.tolist()
    assert sorted(rows) == [0, 0, 2]  # "a" has 0, "b" has 0 and 2
    assert rows in ([0, 0, 2], [0, 2, 0])


@pytest.mark.parametrize(
    "document",
    [
        {"encodings": TEXTS, "blocks": {}},
        {"encodings": TEXTS, "blocks": None},
        {"clknblocks": [[TEXTS[0]]]},
    ],
    ids=["blocks", "null", "clknblocks"],
)
def test_a_project_without_blocking_takes_no_blocks(document):
    with pytest.raises(InvalidBlocks, match=r"^Blocking has been disabled for this project"):
        list(encodings_in(as_file(document)))


@pytest.mark.parametrize("document", [{}, [], {"block": {"0": ["a"]}}, {"x": {"blocks": {}}}])
def test_a_file_without_blocks_says_so(memberships, document):
    with pytest.raises(InvalidBlocks, match=r"^Expecting blocking information"):
        read_json_blocks(as_file(document), memberships)


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([], "'blocks' is not an object"),
        ("a", "'blocks' is not an object"),
        ({"0": ["a"], "00": ["a"]}, "key 1 of 'blocks' .* is not the index of a record"),
        ({"-1": []}, "key 0 of 'blocks'"),
        ({"1_0": []}, "key 0 of 'blocks'"),
        ({" 1": []}, "key 0 of 'blocks'"),
        ({"": []}, "key 0 of 'blocks'"),
        ({"\u0661": []}, "key 0 of 'blocks'"),
        ({"4294967296": []}, "key 0 of 'blocks'"),
        ({"9" * 5000: []}, "key 0 of 'blocks'"),
        ({"1": "a"}, "the blocks of record 1 are not a list"),
        ({"1": {"a": 1}}, "the blocks of record 1 are not a list"),
        ({"1": [1.5]}, "name of a block of record 1 is neither text nor an integer"),
        ({"1": [True]}, "neither text nor an integer"),
        ({"1": [None]}, "neither text nor an integer"),
        ({"1": [["a"]]}, "neither text nor an integer"),
        ({"1": [{"a": 1}]}, "neither text nor an integer"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_blocks_is_refused_with_its_place(memberships, blocks, complaint):
    with pytest.raises(InvalidBlocks, match=complaint):
        read_json_blocks(as_file({"blocks": blocks}), memberships)


@pytest.mark.parametrize("names", [[], ["a"]])
def test_a_record_that_is_not_there_is_named(memberships, names):
    read_json_blocks(as_file({"blocks": {"0": ["a"], "3": names, "1": []}}), memberships)

    with pytest.raises(InvalidBlocks, match="names record 3, but there are 3 records"):
        memberships.block_order(3)


@pytest.mark.parametrize(
    "document",
    [
        b'{"blocks":{"0":["a"]},"blocks":{"0":["b"]}}',
        b'{"clknblocks":[["AAAA","a"]],"blocks":{"0":["b"]}}',
        b'{"blocks":{"0":["b"]},"clknblocks":[["AAAA","a"]]}',
    ],
    ids=["twice", "after clknblocks", "before clknblocks"],
)
def test_blocks_in_two_places_are_refused(memberships, document):
    with pytest.raises(InvalidBlocks, match="more than one place"):
        list(encodings_in(io.BytesIO(document), memberships))


def test_blocks_beside_a_file_of_blocks_are_refused(memberships):
    list(encodings_in(as_file({"clks": TEXTS, "blocks": BLOCKS}), memberships))

    with pytest.raises(InvalidBlocks, match="more than one place"):
        read_json_blocks(as_file({"blocks": BLOCKS}), memberships)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        (TEXTS[1], "the item at record 1 is not a list"),
        ([], "encoding at record 1 is not a string"),
        ([7, "a"], "encoding at record 1 is not a string"),
        (["***", "a"], "encoding at record 1 is not valid base64"),
        ([TEXTS[1], ["a"]], "block of record 1 is neither"),
    ],
    ids=["text", "empty", "number", "no base64", "nested"],
)
def test_an_unusable_item_of_clknblocks_is_named_by_its_row(memberships, item, complaint):
    with pytest.raises((InvalidBlocks, InvalidEncodings), match=complaint):
        list(encodings_in(as_file({"clknblocks": [[TEXTS[0], "a"], item]}), memberships))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b'{"blocks":{"0":["a',
        b'{"blocks":{"0":["a"]}',
        b'{"blocks":{"0":["\xff"]}}',
        b'{"blocks":{"0":["\\udc00"]}}',
        b'{"blocks":{"0":[NaN]}}',
        b'{"blocks":{"0":[' + b"9" * 5000 + b"]}}",
    ],
)
def test_malformed_blocks_are_refused(memberships, document):
    with pytest.raises(InvalidEncodings, match="malformed or truncated JSON"):
        read_json_blocks(io.BytesIO(document), memberships)


def test_a_name_that_is_no_text_is_refused_and_not_shown(memberships):
    with pytest.raises(InvalidBlocks, match="record 1 is not valid text") as caught:
        memberships.add(1, "SECRET\udc00")

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_blocks_of_one_record_are_bounded(memberships, monkeypatch):
    monkeypatch.setattr(block_order, "MAX_BLOCKS_PER_RECORD", 4)

    read_json_blocks(as_file({"blocks": {"0": list("abcd"), "1": list("abcd")}}), memberships)
    with pytest.raises(InvalidBlocks, match="record 0 is in more than 4 blocks"):
        list(encodings_in(as_file({"clknblocks": [["AAAA", *"abcde"]]}), Memberships(io.BytesIO())))


def test_the_blocks_of_all_records_are_bounded(memberships, monkeypatch):
    monkeypatch.setattr(block_order, "MAX_MEMBERSHIPS", 4)

    with pytest.raises(InvalidBlocks, match="more than 4 blocks in all"):
        read_json_blocks(as_file({"blocks": {str(n): ["a"] for n in range(5)}}), memberships)


def test_a_number_and_its_text_are_one_block(memberships):
    read_json_blocks(as_file({"blocks": {"0": [7], "1": ["7"], "2": [7, "7"]}}), memberships)

    assert memberships.block_order(3).rows.tolist() == [0, 1, 2]


def test_records_without_blocks_make_an_empty_order(memberships):
    read_json_blocks(as_file({"blocks": {"0": []}}), memberships)

    order = memberships.block_order(3)

    assert order.rows.tolist() == []
    assert b"".join(order.index()) == bytes(8)
