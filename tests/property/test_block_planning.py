"""Plans of blocked runs cover the blocks exactly, and cuts of rectangles their comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.block_planning import Pack, chunk_from_dict, plan_blocks
from chalicelib.linkage.planning import ChunkSize
from chalicelib.linkage.rectangles import Rectangle, area, closed_up, cost, shares, tiles


@st.composite
def rectangle_lists(draw, max_rows: int = 12) -> list[Rectangle]:
    """Ascending and disjoint on both sides, as common blocks are."""
    steps = draw(st.lists(st.tuples(*[st.integers(1, max_rows)] * 4), max_size=15))
    found, a, b = [], 0, 0
    for gap_a, rows_a, gap_b, rows_b in steps:
        a, b = a + gap_a - 1, b + gap_b - 1
        found.append((a, a + rows_a, b, b + rows_b))
        a, b = a + rows_a, b + rows_b
    return found


def cells(rectangles: Iterable[Rectangle]) -> Counter:
    return Counter(
        cell
        for start_a, stop_a, start_b, stop_b in rectangles
        for cell in product(range(start_a, stop_a), range(start_b, stop_b))
    )


@given(rectangle_lists(), st.integers(1, 60), st.integers(1, 20))
def test_every_comparison_of_every_block_is_in_exactly_one_chunk(blocks, size, max_rows):
    chunks = list(plan_blocks(0, 1, blocks, ChunkSize(size, max_rows)))

    covered: Counter = Counter()
    for chunk in chunks:
        if isinstance(chunk, Pack):
            its_blocks = blocks[chunk.first : chunk.stop]
        else:
            its_blocks = [(chunk.start_a, chunk.stop_a, chunk.start_b, chunk.stop_b)]
        assert chunk.comparisons == sum(map(area, its_blocks)) <= size
        assert sum(stop - start for start, stop, _, _ in its_blocks) <= max_rows
        assert sum(stop - start for _, _, start, stop in its_blocks) <= max_rows
        covered += cells(its_blocks)
    assert covered == cells(blocks)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert [chunk_from_dict(chunk.to_dict()) for chunk in chunks] == chunks


@given(rectangle_lists(max_rows=4), st.integers(16, 200))
def test_packs_are_filled(blocks, size):
    """Two neighbouring packs would not have fitted together, so there are few of them."""
    chunks = list(plan_blocks(0, 1, blocks, ChunkSize(size, 1_000)))

    for before, after in pairwise(chunks):
        assert isinstance(after, Pack)
        assert before.comparisons + area(blocks[after.first]) > size


@given(rectangle_lists(max_rows=60), st.integers(1, 5))
def test_shares_are_all_comparisons_once_and_about_equal(rectangles, count):
    found = shares(rectangles, count)

    assert len(found) <= count
    assert cells(rectangle for share in found for rectangle in share) == cells(rectangles)
    if rectangles:
        slack = 2 * max(map(cost, ([rectangle] for rectangle in rectangles)))
        assert max(map(cost, found)) <= cost(rectangles) / count + slack


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(1, 8))
def test_one_large_rectangle_is_shared_evenly(rows_a, rows_b, count):
    whole = (0, rows_a * 100, 0, rows_b * 100)

    found = shares([whole], count)

    areas = [sum(map(area, share)) for share in found]
    assert sum(areas) == area(whole)
    assert len(areas) == count
    assert max(areas) - min(areas) <= count * (min(rows_a, rows_b) * 100 + 2_000)


@given(rectangle_lists(), st.integers(1, 5), st.integers(1, 5))
def test_tiles_are_all_comparisons_once_and_within_bounds(rectangles, rows_a, rows_b):
    found = list(tiles(rectangles, rows_a, rows_b))

    assert cells(found) == cells(rectangles)
    assert all(stop - start <= rows_a for start, stop, _, _ in found)
    assert all(stop - start <= rows_b for _, _, start, stop in found)


@given(rectangle_lists())
def test_closed_up_rectangles_follow_one_another(rectangles):
    found = list(closed_up(rectangles))

    assert list(map(area, found)) == list(map(area, rectangles))
    ends = list(accumulate((stop - start for start, stop, _, _ in rectangles), initial=0))
    assert [rectangle[:2] for rectangle in found] == list(pairwise(ends))
