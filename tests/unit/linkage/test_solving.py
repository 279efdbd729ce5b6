from __future__ import annotations

import numpy as np
import pytest

from chalicelib.linkage import solving
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, empty


@pytest.fixture(autouse=True, params=["chalicelib.linkage.anonlink_solving", "dice_kernel"])
def solver(request, monkeypatch) -> None:
    solve_candidates = pytest.importorskip(request.param).solve_candidates
    monkeypatch.setattr(solving, "solve_candidates", solve_candidates)


def solved(*pairs: tuple[float, int, int, int, int]) -> tuple[list[int], list[list[int]]]:
    groups = solving.solve_groups(np.array(list(pairs), dtype=CANDIDATE_DTYPE))
    return groups.sizes.tolist(), groups.members.tolist()


def test_no_pairs_make_no_groups():
    groups = solving.solve_groups(empty())

    assert (groups.sizes.shape, groups.members.shape) == ((0,), (0, 2))


def test_the_best_pair_of_a_record_wins():
    pairs = [(0.9, 0, 1, 7, 3), (0.8, 0, 1, 7, 4), (0.7, 0, 1, 6, 4)]

    assert solved(*pairs) == ([2, 2], [[0, 6], [1, 4], [0, 7], [1, 3]])


def test_three_records_are_a_group_when_all_pairs_are_candidates():
    pairs = [(0.9, 0, 1, 0, 0), (0.9, 0, 2, 0, 0), (0.8, 1, 2, 0, 0), (0.8, 1, 2, 1, 1)]

    assert solved(*pairs) == ([3, 2], [[0, 0], [1, 0], [2, 0], [1, 1], [2, 1]])
