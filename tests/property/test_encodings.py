"""Encodings survive JSON, whatever else is in it."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage import json_events
from chalicelib.linkage.base64_rows import decode_alike
from chalicelib.linkage.encodings import Batch, InvalidEncodings, repack
from chalicelib.linkage.json_encodings import LIST_KEYS
from tests.encodings import encodings_in, one_by_one

rows = st.integers(1, 40).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=30)
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)
other_keys = st.dictionaries(
    st.text().filter(lambda key: key not in (*LIST_KEYS, "blocks")), json_values, max_size=3
)


def damage(texts: list[str], place: int, letter: str) -> list[str]:
    """One letter of one text is another."""
    row, column = place % len(texts), place // len(texts) % len(texts[0])
    damaged = texts[row][:column] + letter + texts[row][column + 1 :]
    return [*texts[:row], damaged, *texts[row + 1 :]]


alike = rows.map(lambda rows: [base64.b64encode(row).decode() for row in rows])
texts = (
    alike
    | st.builds(damage, alike, st.integers(0, 2000), st.sampled_from("A=\n-_é\0"))
    | st.lists(
        st.binary(min_size=1, max_size=9).map(lambda row: base64.b64encode(row).decode())
        | st.text("AB=/+\n-_é", max_size=8),
        min_size=1,
        max_size=6,
    )
)
LETTER = "[A-Za-z0-9+/]"
BASE64 = re.compile(f"(?=.)({LETTER}{{4}})*({LETTER}{{2}}==|{LETTER}{{3}}=)?")


@given(rows, st.sampled_from(["clks", "encodings"]), other_keys, other_keys, st.sampled_from([None, 2]))
def test_encodings_survive_json(rows, key, before, after, indent):
    texts = [base64.b64encode(row).decode() for row in rows]
    document = json.dumps({**before, key: texts, **after}, indent=indent).encode()

    assert list(encodings_in(io.BytesIO(document))) == rows


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps({"clks": value}).encode()))
def test_any_upload_is_read_or_refused(document):
    try:
        encodings = list(encodings_in(io.BytesIO(document)))
    except InvalidEncodings:
        return

    assert encodings
    assert all(base64.b64encode(row) in document for row in encodings)


@given(rows, st.integers(1, 200))
def test_repacking_changes_no_byte(rows, buffer_bytes):
    buffers = list(repack((Batch(row, len(row)) for row in rows), buffer_bytes))

    assert b"".join(buffers) == b"".join(rows)
    assert all(len(buffer) % len(rows[0]) == 0 for buffer in buffers)
    assert all(len(buffer) < buffer_bytes + len(rows[0]) for buffer in buffers)


@given(texts)
def test_texts_that_are_alike_are_decoded_together_as_one_by_one(texts):
    batch = decode_alike(texts)

    are_alike = len({(len(text), text.count("=")) for text in texts}) == 1
    assert (batch is not None) == (are_alike and all(map(BASE64.fullmatch, texts)))
    if batch is not None:
        assert list(one_by_one([batch])) == [binascii.a2b_base64(text, strict_mode=True) for text in texts]


@given(texts, st.sampled_from([16, 1 << 16]))
def test_reads_of_any_length_give_what_one_by_one_gives(texts, read_bytes):
    expected, error = decoded_one_by_one(texts)
    document = io.BytesIO(json.dumps({"clks": texts}).encode())
    encodings = []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_events, "JSON_READ_BYTES", read_bytes)
        with pytest.raises(InvalidEncodings) if error else nullcontext() as refused:
            encodings.extend(encodings_in(document))  # those before an error as well

    assert encodings == expected
    assert not error or str(refused.value) == error


def decoded_one_by_one(texts: list[str]) -> tuple[list[bytes], str | None]:
    """Also what is said about the first that is refused; line breaks are no reason."""
    encodings: list[bytes] = []
    for record, text in enumerate(texts):
        try:
            encoding = binascii.a2b_base64("".join(text.split("\n")), strict_mode=True)
        except ValueError:
            return encodings, f"the encoding at record {record} is not valid base64"
        if not encoding:
            return encodings, f"the encoding at record {record} is empty"
        encodings.append(encoding)
    return encodings, None
