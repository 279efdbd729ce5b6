"""Merging equals sorting everything and dropping what repeats."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates, concatenate, sort_candidates
from chalicelib.linkage.merging import merge_candidates

# Few values each, so that ties and duplicates are the rule; a pair has one score, as it always has.
pair = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3), st.sampled_from([0, 1, 255, 256]))
runs_of_pairs = st.lists(st.lists(pair, max_size=40), max_size=6)


def score_of(pair: tuple[int, int, int, int]) -> float:
    return (1.0, 0.9, 2 / 3)[sum(pair) % 3]


def in_order(pairs: list[tuple[int, int, int, int]]) -> list[tuple]:
    """The slow, obvious reference: one row after another in Python's own order of tuples."""
    rows = sorted((-score_of(pair), *pair) for pair in pairs)
    return [(-row[0], *row[1:]) for row in rows]


def as_candidates(rows: list[tuple]) -> Candidates:
    return np.array(rows, dtype=CANDIDATE_DTYPE)


@given(runs_of_pairs, st.randoms(use_true_random=False), st.integers(1, 7))
def test_merging_equals_sorting_and_removing_duplicates(runs, random, pairs_per_block):
    merged = list(
        merge_candidates(
            [split(as_candidates(in_order(run)), random) for run in runs], pairs_per_block=pairs_per_block
        )
    )

    assert concatenate(merged).tolist() == in_order(list({pair for run in runs for pair in run}))
    assert all(0 < len(block) <= pairs_per_block for block in merged)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1).map(abs), *[st.sampled_from([0, 1, 255, 256, 65_536, 2**31, 2**32 - 1])] * 4
        ),
        max_size=50,
    )
)
def test_sorting_orders_as_tuples_do(rows):
    expected = sorted(rows, key=lambda row: (-row[0], *row[1:]))

    assert sort_candidates(as_candidates(rows)).tolist() == expected


def split(run: Candidates, random) -> list[Candidates]:
    """``run`` cut at random places; some blocks are empty."""
    edges = sorted(random.choices(range(len(run) + 1), k=random.randrange(6)))
    return np.split(run, edges)
