"""Solving components apart equals solving whole, array for array."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage import solving, solving_apart, solving_components
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates, sort_candidates
from chalicelib.linkage.solving_apart import solve_apart

LENGTH = 6  # of each data set

# Few records, so that components of all shapes come up; few scores, so that ties are the rule.
record = st.tuples(st.integers(0, 3), st.integers(0, LENGTH - 1))
pairs_of_records = st.dictionaries(
    st.tuples(record, record).map(sorted).filter(lambda ends: ends[0][0] < ends[1][0]).map(tuple),
    st.sampled_from([1.0, 0.9, 0.9, 2 / 3]),
    max_size=60,
)


@pytest.fixture(params=["chalicelib.linkage", "dice_kernel"])
def installed(request):
    """The solver and the components that there are without the kernel, or with it."""
    if request.param == "dice_kernel":
        kernel = pytest.importorskip("dice_kernel")
        solve, components = kernel.solve_candidates, kernel.Components
    else:
        from chalicelib.linkage.anonlink_solving import solve_candidates as solve

        components = solving_components.Components
    with (
        mock.patch.object(solving, "solve_candidates", solve),
        mock.patch.object(solving_apart, "Components", components),
    ):
        yield


@pytest.mark.usefixtures("installed")
@given(pairs_of_records, st.integers(2, 4), st.integers(1, 70), st.integers(1, 9))
def test_solving_in_portions_of_any_size_equals_solving_whole(scores, datasets, most_pairs, block):
    pairs = as_candidates(scores, datasets)
    whole = solving.solve_groups(pairs)

    apart = solve_apart(lambda: split(pairs, block), [LENGTH] * datasets, most_pairs, len(pairs))

    assert apart.sizes.tolist() == whole.sizes.tolist()
    assert apart.members.tolist() == whole.members.tolist()
    assert (apart.sizes.dtype, apart.members.dtype) == (np.uint32, np.uint32)


@given(pairs_of_records, st.integers(1, 9))
def test_components_in_numpy_are_those_of_merging_sets(scores, block):
    pairs = as_candidates(scores, 4)
    components = solving_components.Components([LENGTH] * 4)

    for portion in split(pairs, block):
        components.add(portion)

    assert components.labels(pairs).tolist() == smallest_numbers(pairs)


def as_candidates(scores: dict, datasets: int) -> Candidates:
    rows = [(score, a[0], b[0], a[1], b[1]) for (a, b), score in scores.items() if b[0] < datasets]
    return sort_candidates(np.array(rows, dtype=CANDIDATE_DTYPE))


def split(pairs: Candidates, block: int) -> list[Candidates]:
    return [pairs[start : start + block] for start in range(0, len(pairs), block)]


def smallest_numbers(pairs: Candidates) -> list[int]:
    """The slow, obvious reference: for each pair the smallest number of a record in its component."""
    ends = [(a * LENGTH + ra, b * LENGTH + rb) for _, a, b, ra, rb in pairs.tolist()]
    components: list[set[int]] = []
    for pair in ends:
        touched = [component for component in components if component & set(pair)]
        components = [c for c in components if c not in touched] + [set(pair).union(*touched)]
    return [next(min(c) for c in components if a in c) for a, _ in ends]
