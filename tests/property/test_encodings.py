"""Encodings survive JSON, whatever else is in it."""

from __future__ import annotations

import base64
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.encodings import InvalidEncodings, repack
from chalicelib.linkage.json_encodings import read_json_encodings

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
    st.text().filter(lambda key: key not in ("clks", "encodings")), json_values, max_size=3
)


@given(rows, st.sampled_from(["clks", "encodings"]), other_keys, other_keys, st.sampled_from([None, 2]))
def test_encodings_survive_json(rows, key, before, after, indent):
    texts = [base64.b64encode(row).decode() for row in rows]
    document = json.dumps({**before, key: texts, **after}, indent=indent).encode()

    assert list(read_json_encodings(io.BytesIO(document))) == rows


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps({"clks": value}).encode()))
def test_any_upload_is_read_or_refused(document):
    try:
        encodings = list(read_json_encodings(io.BytesIO(document)))
    except InvalidEncodings:
        return

    assert encodings
    assert all(base64.b64encode(row) in document for row in encodings)


@given(rows, st.integers(1, 200))
def test_repacking_changes_no_byte(rows, buffer_bytes):
    buffers = list(repack(iter(rows), buffer_bytes))

    assert b"".join(buffers) == b"".join(rows)
    assert all(len(buffer) % len(rows[0]) == 0 for buffer in buffers)
    assert all(len(buffer) < buffer_bytes + len(rows[0]) for buffer in buffers)
