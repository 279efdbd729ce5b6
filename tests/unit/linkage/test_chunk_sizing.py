from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.chunk_sizing import chunk_size, least_work
from chalicelib.linkage.planning import ChunkSize, plan_chunks
from chalicelib.linkage.work import Work

ROWS = 1_000_000


def quadratic(count_a: int, count_b: int) -> Work:
    return Work(count_a * count_b, math.inf)


def indexed(count_a: int, count_b: int) -> Work:
    """As an index join is: something for each record, little for each pair."""
    return Work(count_a * count_b, 500 * (count_a + count_b) + count_a * count_b / 100)


def test_all_pairs_are_cut_into_what_is_wanted():
    assert chunk_size(quadratic, 1_000, 2_000, 50_000, ROWS) == ChunkSize(50_000, ROWS)
    assert least_work(quadratic, 1_000, 2_000, ROWS) == 2_000_000


def test_an_index_is_not_cut_where_it_is_no_more_than_wanted():
    size = chunk_size(indexed, 100_000, 200_000, 1e9, ROWS)

    assert size == ChunkSize(100_000 * 200_000, ROWS, is_sliced=True)
    assert len(list(plan_chunks([100_000, 200_000], lambda *_: size))) == 1
    assert least_work(indexed, 100_000, 200_000, ROWS) == indexed(100_000, 200_000).joined


def test_a_large_index_is_sliced_until_a_slice_is_no_more_than_wanted():
    wanted = 1e8
    size = chunk_size(indexed, 100_000, 200_000, wanted, ROWS)
    chunks = list(plan_chunks([100_000, 200_000], lambda *_: size))

    assert size.is_sliced
    assert {chunk.stop_a - chunk.start_a for chunk in chunks} == {100_000}
    slices = [indexed(100_000, chunk.stop_b - chunk.start_b).joined for chunk in chunks]
    assert wanted / 4 < max(slices) <= wanted


def test_an_index_that_would_have_to_be_cut_too_small_is_none():
    """Slices of so little work are mostly the index of the other side."""
    assert chunk_size(indexed, 100_000, 200_000, 5.03e7, ROWS) == ChunkSize(50_300_000, ROWS)


def test_memory_cuts_an_index_before_the_wanted_work_does():
    size = chunk_size(indexed, 300_000, 200_000, 1e12, 100_000)

    assert len(list(plan_chunks([300_000, 200_000], lambda *_: size))) == 3 * 2
    assert least_work(indexed, 300_000, 200_000, 100_000) == 6 * indexed(100_000, 100_000).joined


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.floats(1, 1e12),
    st.integers(1, 10**6),
    st.floats(0, 1e4),
    st.floats(0, 1),
)
def test_every_size_can_be_planned_with(count_a, count_b, wanted, rows, per_record, per_pair):
    def work_of(a: int, b: int) -> Work:
        return Work(a * b, per_record * (a + b) + per_pair * a * b)

    size = chunk_size(work_of, count_a, count_b, wanted, rows)

    assert size.comparisons >= 1
    assert size.rows == rows
    assert least_work(work_of, count_a, count_b, rows) <= count_a * count_b * (1 + 1e-9)
