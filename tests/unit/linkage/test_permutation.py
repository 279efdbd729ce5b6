from __future__ import annotations

from collections import Counter
from itertools import permutations as orders

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage import permutation
from chalicelib.linkage.permutation import permute


@st.composite
def linkages(draw) -> tuple[np.ndarray, tuple[int, int]]:
    counts = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    matches = draw(st.integers(0, min(counts)))
    sides = [draw(st.permutations(range(count)))[:matches] for count in counts]
    return np.array(sides, dtype=np.uint32).T.reshape(-1, 2), counts


@given(linkages())
def test_both_are_bijections_and_exactly_the_matches_share_a_masked_position(linkage):
    pairs, counts = linkage

    drawn = permute(pairs, counts)

    assert [sorted(column.tolist()) for column in drawn.permutations] == [list(range(n)) for n in counts]
    first, second = drawn.permutations
    assert (first[pairs[:, 0]] == second[pairs[:, 1]]).all()
    assert len(drawn.mask) == min(counts)
    assert set(np.flatnonzero(drawn.mask).tolist()) == set(first[pairs[:, 0]].tolist())


@given(linkages())
def test_the_compact_form_reads_back(linkage):
    drawn = permute(*linkage)

    again = permutation.from_bytes(permutation.to_bytes(drawn))

    assert all(map(np.array_equal, again.permutations, drawn.permutations))
    assert np.array_equal(again.mask, drawn.mask)


def test_a_cut_off_compact_form_is_refused():
    data = permutation.to_bytes(permute(np.array([[0, 1]], dtype=np.uint32), (5, 9)))

    with pytest.raises(ValueError, match="not the permutations"):
        permutation.from_bytes(data[:-1])


def test_every_outcome_is_equally_likely():
    pairs = np.array([[0, 2]], dtype=np.uint32)
    draws = 6_000

    found = Counter(tuple(map(tuple, permute(pairs, (2, 3)).permutations)) for _ in range(draws))

    # One match at either of 2 positions, one other record of the first, two of the second: 2 * 1 * 2.
    outcomes = [
        (first, second) for first in orders(range(2)) for second in orders(range(3)) if first[0] == second[2]
    ]
    assert set(found) == set(outcomes)
    expected = draws / len(outcomes)
    assert (
        sum((found[outcome] - expected) ** 2 / expected for outcome in outcomes) < 30
    )  # 3 degrees: p < 2e-6


def test_two_draws_differ():
    pairs = np.array([[3, 4]], dtype=np.uint32)

    first, second = (permute(pairs, (200, 300)) for _ in range(2))

    assert not np.array_equal(first.permutations[0], second.permutations[0])
    assert not np.array_equal(first.permutations[1], second.permutations[1])


@pytest.mark.parametrize(
    ("pairs", "counts"),
    [
        ([[0, 0], [0, 1]], (5, 5)),
        ([[5, 0]], (5, 5)),
        ([[0, 0], [1, 1]], (1, 5)),
    ],
    ids=["a record twice", "a record beyond the count", "more pairs than records"],
)
def test_pairs_that_are_no_matching_are_refused(pairs, counts):
    with pytest.raises(ValueError, match=r"pairs|count"):
        permute(np.array(pairs, dtype=np.uint32), counts)


def test_no_match_at_all_leaves_the_mask_empty():
    drawn = permute(np.empty((0, 2), dtype=np.uint32), (3, 5))

    assert drawn.mask.tolist() == [0, 0, 0]
    assert sorted(drawn.permutations[1].tolist()) == [0, 1, 2, 3, 4]
