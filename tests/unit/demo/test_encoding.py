"""The demo's linkage schema and its encodings."""

from __future__ import annotations

import numpy as np
import pytest

from demo import encoding
from demo.encoding import Encoder
from demo.febrl4 import FIELDS

ROW = ("michaela", "neumann", "8", "stanley street", "miami", "winston hills", "4223", "nsw", "19151111")
SIMILAR = ("michaela", "neuman", "8", "stanley street", "", "winston hills", "4223", "nsw", "19151111")
OTHER = ("courtney", "painter", "12", "bega circuit", "flats", "richlands", "4560", "vic", "19161214")


def dice(a: bytes, b: bytes) -> float:
    x, y = (np.unpackbits(np.frombuffer(row, np.uint8)) for row in (a, b))
    return 2 * int((x & y).sum()) / int(x.sum() + y.sum())


@pytest.fixture(scope="module")
def encoder():
    with Encoder(encoding.read_schema()) as encoder:
        yield encoder


def encoded(encoder, rows):
    data = b"".join(batch for _, batch in encoder.encode(rows))
    size = encoding.encoding_size_bytes(encoding.read_schema())
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_the_schema_describes_the_columns_in_their_order():
    features = encoding.read_schema()["features"]

    assert tuple(feature["identifier"] for feature in features) == FIELDS


def test_a_damaged_copy_is_above_the_default_threshold_and_another_person_below(encoder):
    from demo.__main__ import DEFAULT_THRESHOLD

    row, similar, other = encoded(encoder, [ROW, SIMILAR, OTHER])

    assert dice(row, similar) > DEFAULT_THRESHOLD > dice(row, other)


def test_batches_keep_the_order_of_the_rows(encoder):
    rows = [(f"{chr(97 + number % 26) * (1 + number % 7)}", *ROW[1:]) for number in range(600)]

    together = encoded(encoder, rows)

    assert together[599] == encoded(encoder, [rows[599]])[0]
    assert [count for count, _ in encoder.encode(rows)] == [250, 250, 100]


def test_a_value_that_breaks_the_schema_is_refused(encoder):
    with pytest.raises(ValueError, match="42x3"):
        encoded(encoder, [(*ROW[:6], "42x3", *ROW[7:])])
