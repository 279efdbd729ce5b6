"""Plans cover the work exactly, whatever the sizes."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.planning import ChunkSize, plan_chunks, total_comparisons

counts = st.lists(st.integers(0, 25), min_size=2, max_size=4)
sizes = st.builds(ChunkSize, st.integers(1, 300), st.integers(1, 30), st.booleans())
large_sizes = st.builds(ChunkSize, st.integers(10**8, 10**13), st.integers(10**4, 10**6), st.booleans())


@given(counts, sizes)
def test_every_pair_of_records_is_in_exactly_one_chunk(counts, size):
    compared = Counter(
        (chunk.dataset_a, record_a, chunk.dataset_b, record_b)
        for chunk in plan_chunks(counts, lambda *_: size)
        for record_a in range(chunk.start_a, chunk.stop_a)
        for record_b in range(chunk.start_b, chunk.stop_b)
    )

    expected = Counter(
        (dataset_a, record_a, dataset_b, record_b)
        for dataset_a, dataset_b in combinations(range(len(counts)), 2)
        for record_a, record_b in product(range(counts[dataset_a]), range(counts[dataset_b]))
    )
    assert compared == expected


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=4), large_sizes)
def test_chunks_are_within_bounds_and_add_up(counts, size):
    chunks = list(plan_chunks(counts, lambda *_: size))

    assert sum(chunk.comparisons for chunk in chunks) == total_comparisons(counts)
    assert all(chunk.comparisons > 0 for chunk in chunks)
    if not size.is_sliced:  # a slice is at least one row against the other side
        assert all(chunk.comparisons <= size.comparisons for chunk in chunks)
    assert all(chunk.stop_a - chunk.start_a <= size.rows for chunk in chunks)
    assert all(chunk.stop_b - chunk.start_b <= size.rows for chunk in chunks)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))


@given(counts, sizes)
def test_sides_within_a_pair_of_datasets_differ_by_at_most_one(counts, size):
    chunks = list(plan_chunks(counts, lambda *_: size))

    for datasets in combinations(range(len(counts)), 2):
        tiles = [chunk for chunk in chunks if (chunk.dataset_a, chunk.dataset_b) == datasets]
        for sides in (
            {chunk.stop_a - chunk.start_a for chunk in tiles},
            {chunk.stop_b - chunk.start_b for chunk in tiles},
        ):
            assert not sides or max(sides) - min(sides) <= 1
