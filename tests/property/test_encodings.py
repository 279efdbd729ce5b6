"""Encodings survive JSON, and headers do not depend on how the bytes arrive."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.encodings import (
    Header,
    HeaderBuilder,
    InvalidEncodings,
    repack,
)
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


@given(rows, st.lists(st.integers(0, 1200), max_size=8))
def test_the_header_does_not_depend_on_how_bytes_arrive(rows, edges):
    data = b"".join(rows)
    builder = HeaderBuilder(len(rows[0]))
    edges = [0, *sorted(edges), len(data)]
    for start, stop in pairwise(edges):
        builder.update(data[start:stop])

    histogram = [0] * (8 * len(rows[0]) + 1)
    for row in rows:
        histogram[int.from_bytes(row, "big").bit_count()] += 1
    checksum = hashlib.blake2b(data, digest_size=32).hexdigest()
    assert builder.build() == Header(len(rows), len(rows), len(rows[0]), tuple(histogram), checksum)
