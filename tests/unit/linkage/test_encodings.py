from __future__ import annotations

import base64
import io
import json
import traceback

import pytest

from chalicelib.linkage import json_events
from chalicelib.linkage.encodings import (
    Batch,
    InvalidEncodings,
    check_encoding_size,
    padded,
    repack,
)
from tests.encodings import encodings_in, one_by_one

ROW = bytes(range(16))
ROW_BASE64 = base64.b64encode(ROW).decode()


class Endless(io.RawIOBase):
    """A document that starts with ``head`` and goes on with ``unit`` for ever, up to 1 GB."""

    def __init__(self, head: bytes, unit: bytes) -> None:
        self.head, self.unit, self.bytes_read = head, unit, 0

    def read(self, size: int = -1) -> bytes:
        head, self.head = self.head, b""
        text = head or self.unit * (size // len(self.unit))
        self.bytes_read += len(text)
        assert self.bytes_read < 1e9
        return text


def read(document: bytes) -> list[bytes]:
    return list(encodings_in(io.BytesIO(document)))


@pytest.mark.parametrize("key", ["clks", "encodings"])
def test_both_keys_name_the_list_of_encodings(key):
    assert read(json.dumps({key: [ROW_BASE64, ROW_BASE64]}).encode()) == [ROW, ROW]


def test_other_keys_are_ignored_whatever_they_hold():
    document = {
        "schema": {"clks": ["not this one"], "x": [[1.5, None, {"clks": [True]}]]},
        "clks": [ROW_BASE64],
        "after": [["encodings"]],
        "number": 12,
    }

    assert read(json.dumps(document).encode()) == [ROW]


def test_line_breaks_within_base64_are_accepted():
    row = bytes(100)

    assert read(json.dumps({"clks": [base64.encodebytes(row).decode()]}).encode()) == [row]


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b"[]",
        b'"clks"',
        b'{"clks":[]}',
        b'{"clks":{}}',
        b'{"clks":7}',
        b'["clks",["AAAA"]]',
        b'[{"clks":1},["AAAA"]]',
    ],
)
def test_a_document_without_encodings_says_so(document):
    with pytest.raises(InvalidEncodings, match="Missing CLKs information"):
        read(document)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ("***", "not valid base64"),
        ("AAA", "not valid base64"),
        ("AA=A", "not valid base64"),
        ("ÄÖÜß", "not valid base64"),
        ("", "is empty"),
        (5, "not a string"),
        (None, "not a string"),
        (["AAAA"], "not a string"),
        ({"clks": "AAAA"}, "not a string"),
    ],
    ids=str,
)
def test_an_unusable_item_is_named_by_its_row(item, complaint):
    with pytest.raises(InvalidEncodings, match=f"at record 2 .*{complaint}"):
        read(json.dumps({"clks": [ROW_BASE64, ROW_BASE64, item, ROW_BASE64]}).encode())


@pytest.mark.parametrize("item", ["SECRET==SECRET", "SECRET\\u0001", 'SECRET" SECRET', "SECRET\x01"])
def test_no_message_or_traceback_shows_an_encoding(item):
    with pytest.raises(InvalidEncodings) as caught:
        read(f'{{"clks":["{item}"]}}'.encode())

    assert "SECRET" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"no json",
        b'{"clks":["' + ROW_BASE64.encode(),
        b'{"clks":["' + ROW_BASE64.encode() + b'"]',
        b'{"clks":["AAAA"]} and more',
        b'{"clks":["AAAA"],"x":' + b"9" * 5000 + b"}",
        b'{"clks":["AAAA"],"x":1e99999999999999999999}',
        b'{"clks":["AAAA\xff"]}',
    ],
    ids=["empty", "text", "in a string", "in the object", "more", "huge integer", "huge exponent", "utf-8"],
)
def test_malformed_json_is_refused(document):
    with pytest.raises(InvalidEncodings, match="malformed or truncated JSON"):
        read(document)


def test_two_lists_of_encodings_are_refused():
    with pytest.raises(InvalidEncodings, match="more than one list"):
        read(json.dumps({"clks": [ROW_BASE64], "encodings": [ROW_BASE64]}).encode())


@pytest.mark.parametrize(
    ("head", "unit"),
    [(b'{"x":', b"["), (b'{"x":', b'{"x":'), (b'{"clks":["', b"A"), (b'{"x":', b"9"), (b'{"clks":', b" ")],
    ids=["arrays", "objects", "string", "number", "spaces"],
)
def test_a_document_meant_to_exhaust_memory_is_refused_early(head, unit):
    bomb = Endless(head, unit)

    with pytest.raises(InvalidEncodings):
        list(encodings_in(bomb))

    assert bomb.bytes_read < 2 * json_events.MAX_VALUE_BYTES


def test_rows_are_read_before_the_document_ends():
    rows = encodings_in(Endless(b'{"clks":["AAAA"', b',"AAAA"'))

    assert [next(rows) for _ in range(100_000)] == [b"\0\0\0"] * 100_000


def test_repack_joins_whole_rows_into_buffers():
    batches = [Batch(ROW, 16), Batch(ROW * 2, 16), Batch(ROW, 16), Batch(ROW, 16)]

    assert list(repack(batches, buffer_bytes=32)) == [ROW * 3, ROW * 2]


def test_padded_rows_end_in_zeros():
    batches = [Batch(ROW * 2, 16), Batch(b"abc", 3)]

    assert list(one_by_one(padded(batches, 18))) == [ROW + bytes(2), ROW + bytes(2), b"abc" + bytes(15)]
    with pytest.raises(InvalidEncodings, match=r"^expected at most 8 bytes an encoding, got 16 at record 0$"):
        list(padded(batches, 8))


def test_repack_names_the_first_row_of_another_size():
    batches = [Batch(bytes(128 * 5000), 128), Batch(bytes(128 * 12), 128), Batch(bytes(127), 127)]

    with pytest.raises(InvalidEncodings, match=r"^expected 128 bytes an encoding, got 127 at record 5012$"):
        list(repack(batches))


@pytest.mark.parametrize(
    ("size", "expected", "message"),
    [
        (127, 127, "Encoding size must be multiple of 8 bytes (64 bits)"),
        (8, 8, "Encoding size out of configured bounds"),
        (2048, None, "Encoding size out of configured bounds"),
        (128, 64, "Mismatch in encoding sizes. Stopping"),
    ],
)
def test_an_encoding_size_that_no_run_can_use_is_refused(size, expected, message):
    with pytest.raises(InvalidEncodings) as caught:
        check_encoding_size(size, 16, 1024, expected)

    assert str(caught.value).startswith(message)
    assert str(size) in str(caught.value)


@pytest.mark.parametrize(("size", "expected"), [(16, None), (1024, None), (128, 128)])
def test_bounds_of_the_encoding_size_are_inclusive(size, expected):
    check_encoding_size(size, 16, 1024, expected)
