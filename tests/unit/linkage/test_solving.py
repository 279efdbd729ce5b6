from __future__ import annotations

import numpy as np

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, empty
from chalicelib.linkage.solving import solve_groups


def test_no_pairs_make_no_groups():
    assert solve_groups(empty()) == []


def test_the_best_pair_of_a_record_wins():
    candidates = np.array([(0.9, 0, 1, 7, 3), (0.8, 0, 1, 7, 4), (0.7, 0, 1, 6, 4)], dtype=CANDIDATE_DTYPE)

    assert solve_groups(candidates) == [[(0, 6), (1, 4)], [(0, 7), (1, 3)]]


def test_three_records_are_a_group_when_all_pairs_are_candidates():
    candidates = np.array(
        [(0.9, 0, 1, 0, 0), (0.9, 0, 2, 0, 0), (0.8, 1, 2, 0, 0), (0.8, 1, 2, 1, 1)], dtype=CANDIDATE_DTYPE
    )

    assert solve_groups(candidates) == [[(0, 0), (1, 0), (2, 0)], [(1, 1), (2, 1)]]
