"""From candidate pairs to groups: anonlink's greedy solver, its answer put into a fixed order.

Takes what ``merging`` gives; ``rendering`` writes what comes out. anonlink's own order of groups
follows the addresses of its objects and changes from run to run, so it is sorted away here.
"""

from __future__ import annotations

from anonlink.solving import greedy_solve_native

from chalicelib.linkage.candidates import Candidates

Group = list[tuple[int, int]]
"""Records of one entity as (dataset index, record index), sorted."""


def solve_groups(candidates: Candidates) -> list[Group]:
    """The groups of ``anonlink.solving.greedy_solve``, of two records or more, each record in one.

    ``candidates`` must be sorted and free of duplicates (``merge_candidates`` gives both): the solver
    takes pairs in their order and counts a pair that is listed twice as two. Members are sorted, and
    groups by their first member. Holds four columns of 4 bytes a pair and the groups besides.
    """
    # The solver wants separate arrays, contiguous and writable, so copies, also where a view would be
    # contiguous (of no pair or one). Of the scores it asks only how many there are.
    dataset_a, dataset_b, record_a, record_b = (
        candidates[field].copy() for field in ("dataset_a", "dataset_b", "record_a", "record_b")
    )
    groups = greedy_solve_native((candidates["score"], (dataset_a, dataset_b), (record_a, record_b)))
    return sorted(sorted(group) for group in groups)
