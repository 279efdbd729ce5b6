"""Groups as arrays, and which of them the candidate pairs are within. For results in other forms.

A pair is within a group when both of its records are. Every group has pairs within it, since the
solver makes groups of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates, concatenate

NO_GROUP = -1


class TooManyPairs(ValueError):
    """There are more pairs within the groups than can be held at once."""


@dataclass(frozen=True)
class Groups:
    """Some groups of a result, in its order.

    ``sizes``, (n,) uint32, how many records each has; ``members``, (sum of sizes, 2) uint32, dataset and
    record of each record, group after group.
    """

    sizes: NDArray[np.uint32]
    members: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.sizes)

    def where(self, kept: NDArray[np.bool_]) -> Groups:
        """The groups for which ``kept``, (n,), is true."""
        return Groups(self.sizes[kept], self.members[np.repeat(kept, self.sizes)])

    def page(self, start: int, stop: int) -> Groups:
        """Groups ``start`` to ``stop`` (exclusive), or fewer at the end."""
        before, within = (
            int(part.sum(dtype=np.int64)) for part in (self.sizes[:start], self.sizes[start:stop])
        )
        return Groups(self.sizes[start:stop], self.members[before : before + within])


class GroupLookup:
    """Looks up the group that a pair is within: 4 bytes for every record up to the last grouped one."""

    def __init__(self, groups: Groups) -> None:
        datasets, records = groups.members[:, 0], groups.members[:, 1].astype(np.int64)
        lengths = np.zeros(int(datasets.max(initial=0)) + 1, dtype=np.int64)
        np.maximum.at(lengths, datasets, records + 1)
        self._lengths = lengths
        self._starts = np.cumsum(lengths) - lengths
        self._groups = np.full(int(lengths.sum()), NO_GROUP, dtype=np.int32)
        self._groups[self._starts[datasets] + records] = np.repeat(
            np.arange(len(groups), dtype=np.int32), groups.sizes
        )

    def __call__(self, pairs: Candidates) -> NDArray[np.int32]:
        """For each pair the position of the group that it is within, or NO_GROUP."""
        a = self._of(pairs["dataset_a"], pairs["record_a"])
        b = self._of(pairs["dataset_b"], pairs["record_b"])
        return np.where(a == b, a, np.int32(NO_GROUP))

    def _of(self, datasets: NDArray[np.uint32], records: NDArray[np.uint32]) -> NDArray[np.int32]:
        dataset = np.minimum(datasets, len(self._lengths) - 1)
        is_known = (dataset == datasets) & (records < self._lengths[dataset])
        place = np.where(is_known, self._starts[dataset] + records, 0)
        if not len(self._groups):
            return np.full(len(records), NO_GROUP, dtype=np.int32)
        return np.where(is_known, self._groups[place], np.int32(NO_GROUP))


def groups_with(groups: Groups, pairs: Iterable[Candidates]) -> NDArray[np.bool_]:
    """For each group whether any of ``pairs`` is within it, (n,)."""
    lookup, found = GroupLookup(groups), np.zeros(len(groups), dtype=np.bool_)
    for block in pairs:
        position = lookup(block)
        found[position[position != NO_GROUP]] = True
    return found


def pairs_within(
    groups: Groups, pairs: Iterable[Candidates], limit: int
) -> tuple[NDArray[np.int32], Candidates]:
    """Those of ``pairs`` within a group, group after group, and the position of each one's group.

    Within a group they keep their order. Raises TooManyPairs when there are more than ``limit``.
    """
    lookup = GroupLookup(groups)
    positions: list[NDArray[np.int32]] = [np.empty(0, dtype=np.int32)]
    found: list[Candidates] = []
    for block in pairs:
        position = lookup(block)
        is_within = position != NO_GROUP
        positions.append(position[is_within])
        found.append(block.compress(is_within))
        if sum(map(len, found)) > limit:
            raise TooManyPairs(f"there are more than {limit} pairs within the groups")
    position = np.concatenate(positions)
    order = np.argsort(position, kind="stable")
    return position[order], concatenate(found).take(order)
