"""anonlink's greedy solver, its answer put into a fixed order and into arrays.

anonlink's own order of groups follows the addresses of its objects and changes from run to run, so it is
sorted away here.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
from anonlink.solving import greedy_solve_native
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates


def solve_candidates(candidates: Candidates) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Sizes of the groups, (groups,), and dataset and record of each member, (sum of sizes, 2).

    Order and conditions as ``solving.solve_groups``. Holds four columns of 4 bytes a pair and Python objects
    for all groups besides.
    """
    # The solver wants separate arrays, contiguous and writable, so copies, also where a view would be
    # contiguous (of no pair or one). Of the scores it asks only how many there are.
    dataset_a, dataset_b, record_a, record_b = (
        candidates[field].copy() for field in ("dataset_a", "dataset_b", "record_a", "record_b")
    )
    found = greedy_solve_native((candidates["score"], (dataset_a, dataset_b), (record_a, record_b)))
    groups = sorted(sorted(group) for group in found)
    sizes = np.fromiter(map(len, groups), dtype=np.uint32, count=len(groups))
    members = np.fromiter(chain.from_iterable(chain.from_iterable(groups)), dtype=np.uint32)
    return sizes, members.reshape(-1, 2)
