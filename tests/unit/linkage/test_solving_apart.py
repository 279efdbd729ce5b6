from __future__ import annotations

import numpy as np
import pytest

from chalicelib.linkage import solving_apart
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, empty
from chalicelib.linkage.solving import bytes_a_pair, solve_groups
from chalicelib.linkage.solving_apart import ComponentTooLarge, solve_apart

# Components of 3, 1, 1 and 2 pairs, by their smallest records.
PAIRS = np.array(
    [
        (0.9, 0, 1, 0, 0),
        (0.9, 0, 1, 1, 1),
        (0.8, 0, 1, 3, 4),
        (0.8, 0, 1, 4, 3),
        (0.7, 0, 1, 0, 2),
        (0.7, 0, 1, 4, 5),
        (0.6, 0, 1, 2, 2),
    ],
    dtype=CANDIDATE_DTYPE,
)
LENGTHS = (5, 6)


@pytest.fixture
def portions(monkeypatch) -> list[int]:
    """How many pairs were solved together."""
    sizes: list[int] = []
    monkeypatch.setattr(
        solving_apart, "solve_groups", lambda pairs: (sizes.append(len(pairs)), solve_groups(pairs))[1]
    )
    return sizes


def solved_apart(most_pairs: int, most_together: int = 3):
    return solve_apart(lambda: [PAIRS[:3], PAIRS[3:]], LENGTHS, most_pairs, most_together)


@pytest.mark.parametrize(
    ("most_pairs", "expected"), [(7, [7]), (6, [5, 2]), (4, [4, 3]), (3, [3, 2, 2]), (2, [3, 2, 2])]
)
def test_components_share_a_portion_as_long_as_they_fit(portions, most_pairs, expected):
    solved_apart(most_pairs)

    assert portions == expected


def test_a_component_larger_than_a_portion_is_solved_by_itself(portions):
    groups = solved_apart(1)

    assert portions == [3, 1, 1, 2]
    assert groups.members.tolist() == solve_groups(PAIRS).members.tolist()


def test_a_component_too_large_for_solving_is_refused_before_anything_is_solved(portions):
    with pytest.raises(ComponentTooLarge, match="3 pairs, more than 2"):
        solved_apart(1, most_together=2)

    assert portions == []


def test_a_portion_may_be_larger_than_what_may_be_together(portions):
    solved_apart(7, most_together=1)

    assert portions == [7]


def test_no_pairs_make_no_groups():
    groups = solve_apart(lambda: [empty()], LENGTHS, 1, 1)

    assert (groups.sizes.shape, groups.members.shape) == ((0,), (0, 2))


def test_pairs_that_share_records_take_less_memory():
    assert all(bytes_a_pair(datasets).together < bytes_a_pair(datasets).apart for datasets in (2, 3))
