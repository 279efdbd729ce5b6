"""From candidate pairs to groups: those of anonlink's greedy solver, in a fixed order, as arrays.

Takes what ``merging`` gives; ``rendering`` writes what comes out. Our own solver finds them where it is
installed and runs, else anonlink's does.
"""

from __future__ import annotations

from chalicelib.linkage.candidates import Candidates
from chalicelib.linkage.grouped_pairs import Groups

try:
    from dice_kernel import solve_candidates
except (ImportError, OSError):  # not installed, or built for another machine
    from chalicelib.linkage.anonlink_solving import solve_candidates


def solve_groups(candidates: Candidates) -> Groups:
    """The groups of ``anonlink.solving.greedy_solve``, of two records or more, each record in one.

    ``candidates`` must be sorted and free of duplicates (``merge_candidates`` gives both): the solver
    takes pairs in their order and counts a pair that is listed twice as two. Members are sorted, and
    groups by their first member.
    """
    return Groups(*solve_candidates(candidates))
