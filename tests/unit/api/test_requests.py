from __future__ import annotations

import pytest

from chalicelib.api.requests import MAX_NESTING, parse_json
from chalicelib.errors import BadRequest


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}', b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"), b'{"a": "\x00"}',
        b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 100_000,
    ],
    ids=[
        "nothing", "cut off", "NaN", "infinity", "beyond float64", "5000 digits",
        "not UTF-8", "byte order mark", "UTF-16", "raw NUL",
        "open brackets", "nested lists", "nested objects",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(body):
    with pytest.raises(BadRequest, match="Request body is not valid JSON"):
        parse_json(body)


@pytest.mark.parametrize("body", [rb'{"a": "\u0000"}', rb'{"\ud800": 1}', rb'["x", {"a": ["\udfff"]}]'])
def test_text_that_no_store_takes_is_refused(body):
    with pytest.raises(BadRequest, match="character"):
        parse_json(body)


def test_json_is_nested_as_deep_as_allowed_and_no_deeper():
    deepest = b"[" * MAX_NESTING + b"]" * MAX_NESTING

    assert parse_json(deepest)
    with pytest.raises(BadRequest, match="nested"):
        parse_json(b"[" + deepest + b"]")


def test_escapes_of_ordinary_text_are_fine():
    assert parse_json(rb'{"name": "\u00e9\ud83d\ude00", "code": "\\u0000"}') == {
        "name": "é😀",
        "code": r"\u0000",
    }


def test_many_rows_of_an_upload_are_not_nesting():
    assert len(parse_json(b"[" + b",".join([b"[]"] * 1000) + b"]")) == 1000
