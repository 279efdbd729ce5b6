"""Groups are anonlink's; components can be solved apart; memory follows the pairs and not the numbers."""

from __future__ import annotations

import gc
import random
import resource
import struct
from collections.abc import Iterable
from itertools import accumulate, chain, combinations, pairwise

import numpy as np
import pytest
from anonlink.solving import greedy_solve, greedy_solve_python
from hypothesis import given, settings
from hypothesis import strategies as st

from dice_kernel import Components, components, components_of_candidates, solve, solve_candidates

CANDIDATE_DTYPE = np.dtype(
    [
        ("score", "<f8"),
        ("dataset_a", "<u4"),
        ("dataset_b", "<u4"),
        ("record_a", "<u4"),
        ("record_b", "<u4"),
    ]
)
LAST = 2**32 - 1

Record = tuple[int, int]
Pair = tuple[Record, Record]
Groups = list[list[Record]]


def as_columns(pairs: Iterable[Pair]) -> list[np.ndarray]:
    rows = [(a[0], b[0], a[1], b[1]) for a, b in pairs]
    return [column.copy() for column in np.array(rows, dtype=np.uint32).reshape(-1, 4).T]


def as_candidates(pairs: list[Pair]) -> np.ndarray:
    candidates = np.zeros(len(pairs), dtype=CANDIDATE_DTYPE)
    for field, column in zip(CANDIDATE_DTYPE.names[1:], as_columns(pairs), strict=True):
        candidates[field] = column
    return candidates


def as_lists(sizes: np.ndarray, members: np.ndarray) -> Groups:
    edges = [0, *np.cumsum(sizes).tolist()]
    assert edges[-1] == len(members)
    return [[tuple(member) for member in members[start:stop].tolist()] for start, stop in pairwise(edges)]


def anonlinks(pairs: Iterable[Pair], solver=greedy_solve) -> Groups:
    """Its groups in our order."""
    dataset_a, dataset_b, record_a, record_b = as_columns(pairs)
    scores = np.ones(len(dataset_a))
    groups = solver((scores, (dataset_a, dataset_b), (record_a, record_b)))
    return sorted(sorted((int(dataset), int(record)) for dataset, record in group) for group in groups)


def ours(pairs: Iterable[Pair]) -> Groups:
    return as_lists(*solve(*as_columns(pairs)))


def without_repeats(pairs: Iterable[Pair]) -> list[Pair]:
    return list({frozenset(pair): pair for pair in pairs}.values())


# From records side by side to some that no table by record number could hold.
spreads = st.sampled_from([1, 3, 1_000_003, 2**28 + 7])
dataset_spreads = st.sampled_from([1, 1, 31, 5_000, 2**28])


@st.composite
def pair_lists(draw, max_datasets: int = 6, is_within_allowed: bool = True) -> list[Pair]:
    """Different pairs of few records, in any order."""
    dataset_count, record_count = draw(st.integers(2, max_datasets)), draw(st.integers(1, 8))
    spread, dataset_spread = draw(spreads), draw(dataset_spreads)
    records = st.tuples(
        st.integers(0, dataset_count - 1).map(lambda dataset: dataset * dataset_spread),
        st.integers(0, record_count - 1).map(lambda record: record * spread),
    )
    pairs = draw(st.lists(st.tuples(records, records), max_size=80))
    return without_repeats(pair for pair in pairs if is_within_allowed or pair[0][0] != pair[1][0])


@settings(max_examples=500, deadline=None)
@given(pair_lists())
def test_groups_are_anonlinks(pairs):
    assert ours(pairs) == anonlinks(pairs) == anonlinks(pairs, greedy_solve_python)


@settings(max_examples=300, deadline=None)
@given(pair_lists(is_within_allowed=False))
def test_groups_across_data_sets_are_anonlinks(pairs):
    assert ours(pairs) == anonlinks(pairs)


@settings(max_examples=300, deadline=None)
@given(pair_lists(max_datasets=2, is_within_allowed=False))
def test_groups_of_two_data_sets_are_anonlinks(pairs):
    assert ours(pairs) == anonlinks(pairs)


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(2, 9), min_size=1, max_size=5),
    party_count=st.integers(1, 6),
    missing=st.sampled_from([0.0, 0.02, 0.3]),
    added=st.integers(0, 60),
    spread=spreads,
    seed=st.integers(0, 2**32 - 1),
)
def test_dense_groups_are_anonlinks(sizes, party_count, missing, added, spread, seed):
    """Entities of several records, nearly all of whose pairs are there, in a random order, and noise."""
    chance = random.Random(seed)
    records = [(chance.randrange(party_count), number * spread % 2**32) for number in range(sum(sizes))]
    edges = [0, *accumulate(sizes)]
    entities = [records[start:stop] for start, stop in pairwise(edges)]
    pairs = [pair for entity in entities for pair in combinations(entity, 2) if chance.random() >= missing]
    pairs += [(chance.choice(records), chance.choice(records)) for _ in range(added)]
    pairs = without_repeats(pairs)
    chance.shuffle(pairs)

    assert ours(pairs) == anonlinks(pairs)


@given(st.integers(2, 40), st.integers(1, 6), st.randoms(use_true_random=False))
def test_chains_are_cut_where_anonlink_cuts_them(length, party_count, chance):
    records = [(place % party_count, place) for place in range(length)]
    pairs = list(pairwise(records))
    chance.shuffle(pairs)

    assert ours(pairs) == anonlinks(pairs)


def many_pairs(party_count: int, spread: int) -> list[Pair]:
    """Noise among 3,000 records a data set, and 4,000 entities with a record in each."""
    chance = random.Random(party_count)

    def noise() -> Record:
        return chance.randrange(party_count), chance.randrange(3_000) * spread

    pairs = [(noise(), noise()) for _ in range(150_000)]
    if party_count > 1:
        pairs = [(a, b) for a, b in pairs if a[0] != b[0]]
    for number in range(1_000, 5_000):
        pairs += combinations([(dataset, number * spread) for dataset in range(party_count)], 2)
    pairs = without_repeats(pairs)
    chance.shuffle(pairs)
    return pairs


@pytest.mark.parametrize("party_count", [1, 2, 3, 6])
@pytest.mark.parametrize("spread", [1, 4_001])
def test_many_pairs_are_solved_as_anonlink_does(party_count, spread):
    """Enough for every table to grow and for every sort to take several passes."""
    pairs = many_pairs(party_count, spread)

    groups = ours(pairs)

    assert groups == anonlinks(pairs)
    assert len(groups) > 1_000


def test_nothing_makes_no_groups():
    sizes, members = solve(*as_columns([]))

    assert (sizes.shape, members.shape) == ((0,), (0, 2))
    assert sizes.dtype == members.dtype == np.uint32


def test_a_record_paired_with_itself_is_no_group():
    assert ours([((0, 1), (0, 1)), ((0, 2), (1, 2))]) == [[(0, 2), (1, 2)]]


def test_the_first_of_equal_pairs_wins():
    assert ours([((0, 7), (1, 3)), ((0, 7), (1, 4)), ((0, 6), (1, 4))]) == [
        [(0, 6), (1, 4)],
        [(0, 7), (1, 3)],
    ]


def test_pairs_may_name_the_two_data_sets_in_either_order():
    pairs = [((5, 1), (2, 9)), ((2, 9), (5, 0)), ((2, 8), (5, 0)), ((5, 1), (2, 8))]

    assert ours(pairs) == anonlinks(pairs) == [[(2, 8), (5, 0)], [(2, 9), (5, 1)]]


@pytest.mark.parametrize("datasets", [(0, 1), (0, 0), (LAST - 1, LAST), (31, 32)])
def test_the_largest_numbers_take_no_more_memory_than_others(datasets):
    first, second = datasets
    pairs = [((first, LAST), (second, LAST - 1)), ((first, 0), (second, LAST // 2)), ((9, LAST), (9, 5))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    groups = ours(pairs), ours(pairs[:2])
    components(*as_columns(pairs))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16_384  # KiB
    assert groups == (anonlinks(pairs), anonlinks(pairs[:2]))


@given(pair_lists())
def test_fields_of_structures_are_read_where_they_are(pairs):
    """Behind a header of 4 bytes, where no score and on some machines no field is aligned."""
    data = b"head" + as_candidates(pairs).tobytes()
    candidates = np.frombuffer(data, dtype=CANDIDATE_DTYPE, offset=4)

    assert as_lists(*solve_candidates(candidates)) == ours(pairs)
    assert as_lists(*solve_candidates(candidates[::-1])) == ours(pairs[::-1])


def test_columns_may_have_different_strides():
    pairs = [((0, 1), (1, 2)), ((0, 3), (1, 4)), ((1, 2), (2, 9)), ((0, 1), (2, 9))]
    columns = as_columns(pairs)
    columns[1] = np.repeat(columns[1], 3)[::3]
    columns[2] = columns[2][::-1].copy()[::-1]

    assert as_lists(*solve(*columns)) == ours(pairs)


@given(pair_lists())
def test_groups_lie_in_memory_as_in_their_compact_form(pairs):
    groups = ours(pairs)
    sizes, members = solve_candidates(as_candidates(pairs))

    numbers = [*map(len, groups), *chain.from_iterable(chain.from_iterable(groups))]
    assert sizes.tobytes() + members.tobytes() == struct.pack(f"<{len(numbers)}I", *numbers)
    assert sizes.ctypes.data + sizes.nbytes == members.ctypes.data or not groups


def test_either_array_keeps_the_groups_and_the_last_one_frees_them():
    candidates = np.zeros(100_000, dtype=CANDIDATE_DTYPE)
    candidates["dataset_b"] = 1
    candidates["record_a"] = candidates["record_b"] = np.arange(len(candidates))
    for _ in range(20):
        members = solve_candidates(candidates)[1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for _ in range(200):
        members = solve_candidates(candidates)[1]
    gc.collect()

    assert (members[:, 1].reshape(-1, 2) == np.arange(100_000)[:, None]).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB; one result is 2,000


@pytest.mark.parametrize("change", [np.int32, np.uint64, np.float64, ">u4"])
def test_other_columns_are_refused(change):
    columns = as_columns([((0, 1), (1, 2))])
    columns[3] = columns[3].astype(change)

    with pytest.raises(ValueError, match="uint32"):
        solve(*columns)


def test_columns_of_different_lengths_are_refused():
    columns = as_columns([((0, 1), (1, 2)), ((0, 2), (1, 3))])

    with pytest.raises(ValueError, match="equal length"):
        components(columns[0], columns[1], columns[2], columns[3][:1])


def connected(pairs: list[Pair]) -> list[int]:
    """The component of each pair, by walking from neighbour to neighbour."""
    neighbours: dict[Record, set[Record]] = {}
    for a, b in pairs:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    found: dict[Record, int] = {}
    count = 0
    for start, _ in pairs:
        if start in found:
            continue
        waiting = [start]
        while waiting:
            record = waiting.pop()
            if record not in found:
                found[record] = count
                waiting.extend(neighbours[record])
        count += 1
    return [found[a] for a, _ in pairs]


@given(pair_lists())
def test_components_are_those_that_walking_finds(pairs):
    labels, count = components(*as_columns(pairs))

    assert labels.tolist() == connected(pairs)
    assert count == len(set(connected(pairs)))


@given(pair_lists(), st.integers(1, 4))
def test_components_solved_apart_give_the_same_groups(pairs, worker_count):
    candidates = as_candidates(pairs)
    labels, _ = components_of_candidates(candidates)

    apart = [
        as_lists(*solve_candidates(candidates[labels % worker_count == worker]))
        for worker in range(worker_count)
    ]

    assert sorted(chain.from_iterable(apart)) == ours(pairs) == anonlinks(pairs)


@given(
    st.lists(st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 6))] * 2), max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_components_of_portions_are_named_by_their_smallest_record(pairs, edges):
    lengths = [7, 9, 8, 7]
    candidates, edges = as_candidates(pairs), [0, *sorted(edges), 60]
    found = Components(lengths)

    for start, stop in pairwise(edges):
        found.add(candidates[start:stop])
    labels = found.labels(candidates).tolist()

    number = {
        (dataset, record): sum(lengths[:dataset]) + record for dataset in range(4) for record in range(7)
    }
    expected = connected(pairs)
    smallest = {
        component: min(
            number[record]
            for pair, other in zip(pairs, expected, strict=True)
            for record in pair
            if other == component
        )
        for component in expected
    }
    assert labels == [smallest[component] for component in expected]


@pytest.mark.parametrize(
    "pair", [((0, 7), (1, 0)), ((0, 0), (1, 8)), ((2, 0), (0, 0)), ((0, 0), (LAST, LAST))]
)
def test_records_that_are_not_there_are_refused(pair):
    found = Components([7, 8])

    with pytest.raises(ValueError, match="given"):
        found.add(as_candidates([pair]))


@pytest.mark.parametrize("lengths", [[2**32], [2**31, 2**31], [5, -1]])
def test_more_records_than_numbers_are_refused(lengths):
    with pytest.raises(ValueError, match="records"):
        Components(lengths)


def test_there_may_be_no_records():
    assert Components([]).labels(as_candidates([])).tolist() == []
