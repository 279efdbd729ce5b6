from __future__ import annotations

import numpy as np
import pytest

from chalicelib.linkage.text_table import floats, integers, join, literal


def all_rows(count: int) -> np.ndarray:
    return np.ones(count, dtype=np.bool_)


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_whole_numbers_have_no_leading_zeros(dtype):
    values = [0, 7, 10, 100, 99_999, 2**32 - 1, 1_000_000_000]

    text = join([integers(np.array(values, dtype=dtype)), literal(b"\n", all_rows(len(values)))])

    assert [int(line) for line in text.split()] == values
    assert text.decode().splitlines() == [str(value) for value in values]


def test_floats_read_back_as_the_very_same():
    random = np.random.default_rng(1)
    values = np.concatenate(
        [random.random(500), [0.0, 1.0, 1e-05, 1 / 3, 2 / 3, 0.1 + 0.2], random.random(9)]
    )

    text = join([floats(values), literal(b"\n", all_rows(len(values)))])

    assert [float(line) for line in text.split()] == values.tolist()


def test_a_literal_stands_only_where_it_is_asked_for():
    rows = np.array([True, False, True])

    assert (
        join([literal(b"<", rows), integers(np.arange(3, dtype=np.uint32)), literal(b">", ~rows)])
        == b"<01><2"
    )


def test_no_rows_are_no_text():
    nothing = np.empty(0)

    assert join([integers(nothing.astype(np.uint32)), floats(nothing), literal(b"x", all_rows(0))]) == b""
