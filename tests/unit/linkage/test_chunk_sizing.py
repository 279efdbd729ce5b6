from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.chunk_sizing import chunk_size, least_work
from chalicelib.linkage.planning import Chunk, ChunkSize, Workers, plan_chunks
from chalicelib.linkage.work import Work

ROWS = 1_000_000


def quadratic(count_a: int, count_b: int) -> Work:
    return Work(count_a * count_b, math.inf)


def indexed(count_a: int, count_b: int) -> Work:
    """As an index join is: something for each record, little for each pair."""
    return Work(count_a * count_b, 500 * (count_a + count_b) + count_a * count_b / 100)


def test_all_pairs_are_cut_into_what_is_wanted():
    size = chunk_size(quadratic, 1_000, 2_000, Workers(40, 0, 10**9), ROWS)

    assert size == ChunkSize(50_000, ROWS)
    assert least_work(quadratic, 1_000, 2_000, ROWS) == 2_000_000


def chunks_of(size: ChunkSize, *counts: int) -> list[Chunk]:
    return list(plan_chunks(counts, lambda *_: size))


def test_an_index_is_not_cut_where_it_is_no_more_than_a_worker_is_worth():
    size = chunk_size(indexed, 100_000, 200_000, Workers(100, 1e9, 1e10), ROWS)

    assert size == ChunkSize(100_000 * 200_000, ROWS, is_sliced=True)
    assert len(chunks_of(size, 100_000, 200_000)) == 1
    assert least_work(indexed, 100_000, 200_000, ROWS) == indexed(100_000, 200_000).joined


def test_a_large_index_is_sliced_as_far_as_it_gains_more_time_than_it_takes_work():
    whole = indexed(100_000, 200_000).joined
    size = chunk_size(indexed, 100_000, 200_000, Workers(100, 1e6, 1e10), ROWS)
    chunks = chunks_of(size, 100_000, 200_000)
    slices = [indexed(100_000, chunk.stop_b - chunk.start_b).joined for chunk in chunks]

    assert size.is_sliced
    assert {chunk.stop_a - chunk.start_a for chunk in chunks} == {100_000}
    assert 3 < len(chunks) < 12
    assert sum(slices) < 2 * whole
    assert max(slices) < whole / 3


def test_an_index_is_cut_whatever_it_costs_where_it_takes_too_long():
    most = 0.2 * indexed(100_000, 200_000).joined
    size = chunk_size(indexed, 100_000, 200_000, Workers(1, 1, most), ROWS)

    assert size.is_sliced
    assert indexed(100_000, size.comparisons // 100_000).joined <= most
    # Slices of less work than this are mostly the index of the other side: all pairs it is.
    assert not chunk_size(indexed, 100_000, 200_000, Workers(1, 1, 5.01e7), ROWS).is_sliced


def test_an_index_is_sliced_less_the_longer_it_takes_to_fetch_the_rows():
    near, far = (
        len(
            chunks_of(
                chunk_size(indexed, 100_000, 200_000, Workers(100, 1e6, 1e10, row), ROWS), 100_000, 200_000
            )
        )
        for row in (0, 1_000)
    )

    assert 1 < far < near


def test_where_there_are_tiles_for_all_workers_none_is_sliced():
    size = chunk_size(indexed, 300_000, 200_000, Workers(6, 1, 1e12), 100_000)

    assert size == ChunkSize(100_000 * 100_000, 100_000, is_sliced=True)
    assert len(chunks_of(size, 300_000, 200_000)) == 3 * 2
    assert least_work(indexed, 300_000, 200_000, 100_000) == 6 * indexed(100_000, 100_000).joined


def test_many_workers_are_sooner_done_with_all_pairs_than_with_one_index():
    """Of twice the work, shared by a hundred."""

    def barely(count_a: int, count_b: int) -> Work:
        return Work(count_a * count_b, 2.5e5 * (count_a + count_b))

    assert barely(10**6, 10**6).joined == 0.5 * barely(10**6, 10**6).tiled
    assert not chunk_size(barely, 10**6, 10**6, Workers(100, 1, 1e12), ROWS).is_sliced
    assert chunk_size(barely, 10**6, 10**6, Workers(1, 1, 1e12), ROWS).is_sliced


def test_nothing_takes_several_times_the_least_work_for_the_sake_of_time():
    for parallelism in (1, 10, 100, 10_000):
        size = chunk_size(indexed, 10**6, 10**6, Workers(parallelism, 1, 1e15), ROWS)
        chunks = chunks_of(size, 10**6, 10**6)
        work = sum(
            indexed(chunk.stop_a - chunk.start_a, chunk.stop_b - chunk.start_b).joined for chunk in chunks
        )

        assert size.is_sliced
        assert work <= 3.01 * least_work(indexed, 10**6, 10**6, ROWS)


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.builds(Workers, st.integers(1, 1_000), st.floats(1, 1e12), st.floats(1, 1e12)),
    st.integers(1, 10**6),
    st.floats(0, 1e4),
    st.floats(0, 1),
    st.booleans(),
)
def test_every_size_can_be_planned_with(count_a, count_b, workers, rows, per_record, per_pair, is_forced):
    def work_of(a: int, b: int) -> Work:
        return Work(math.inf if is_forced else a * b, per_record * (a + b) + per_pair * a * b)

    size = chunk_size(work_of, count_a, count_b, workers, rows)

    assert size.comparisons >= 1
    assert size.rows == rows
    if not is_forced:
        assert least_work(work_of, count_a, count_b, rows) <= count_a * count_b * (1 + 1e-9)
