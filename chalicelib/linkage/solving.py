"""From candidate pairs to groups: those of anonlink's greedy solver, in a fixed order, as arrays.

Takes what ``merging`` gives; ``rendering`` writes what comes out. Our own solver finds them where it is
installed and runs, else anonlink's does. More pairs than fit in memory are for ``solving_apart``.
"""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.linkage.candidates import Candidates
from chalicelib.linkage.grouped_pairs import Groups


class PairBytes(NamedTuple):
    """The most memory that solving takes for each pair, the pair itself and its groups included."""

    apart: int  # where no two pairs share a record
    together: int  # where all pairs are one component: it has half as many records


# Measured on 6 million pairs, of two data sets and of three, and rounded up: the solvers took 52 and 92 bytes
# for pairs apart and 34 and 55 for a random tree; anonlink's took 583 and 438, whatever the data sets.
try:
    from dice_kernel import solve_candidates

    _TWO_DATASETS, _MORE_DATASETS = PairBytes(60, 40), PairBytes(100, 64)
except (ImportError, OSError):  # not installed, or built for another machine
    from chalicelib.linkage.anonlink_solving import solve_candidates

    _TWO_DATASETS = _MORE_DATASETS = PairBytes(640, 480)


def bytes_a_pair(dataset_count: int) -> PairBytes:
    """What ``solve_groups`` takes for pairs of so many data sets."""
    return _TWO_DATASETS if dataset_count <= 2 else _MORE_DATASETS


def solve_groups(candidates: Candidates) -> Groups:
    """The groups of ``anonlink.solving.greedy_solve``, of two records or more, each record in one.

    ``candidates`` must be sorted and free of duplicates (``merge_candidates`` gives both): the solver
    takes pairs in their order and counts a pair that is listed twice as two. Members are sorted, and
    groups by their first member.
    """
    return Groups(*solve_candidates(candidates))
