"""Groups as lists of (dataset, record), which tests can say and compare, and as the arrays they are."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np

from chalicelib.linkage.grouped_pairs import Groups


def as_groups(groups: list[list[tuple[int, int]]]) -> Groups:
    members = np.array(list(chain.from_iterable(groups)), dtype=np.uint32).reshape(-1, 2)
    return Groups(np.array([len(group) for group in groups], dtype=np.uint32), members)


def as_lists(groups: Groups) -> list[list[tuple[int, int]]]:
    edges = [0, *np.cumsum(groups.sizes).tolist()]
    assert edges[-1] == len(groups.members)
    members = [tuple(member) for member in groups.members.tolist()]
    return [members[start:stop] for start, stop in pairwise(edges)]
