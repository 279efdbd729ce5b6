"""Connected components of candidate pairs in numpy, for where the kernel's ``Components`` is not installed.

A forest over the records in which every parent's number is smaller than its child's, so that a component's
smallest number is its root, whatever the order of the pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates


class Components:
    """The components of pairs that come in portions: 4 bytes for each record there may be.

    ``lengths`` are the numbers of records of the data sets, 2**32 - 1 at most in all.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self._starts = np.cumsum([0, *lengths], dtype=np.int64)
        self._parents = np.arange(self._starts[-1], dtype=np.uint32)

    def add(self, candidates: Candidates) -> None:
        """The next portion. Its records must be among those that there may be."""
        a, b = self._numbers(candidates, "a"), self._numbers(candidates, "b")
        while len(a):
            a, b = self._roots(a), self._roots(b)
            differ = a != b
            a, b = a[differ], b[differ]
            # A root that is to hang below several others hangs below the smallest; they are one next time.
            np.minimum.at(self._parents, np.maximum(a, b), np.minimum(a, b).astype(np.uint32))

    def labels(self, candidates: Candidates) -> NDArray[np.uint32]:
        """For each of some pairs that have been added the smallest number of a record in its component, (n,).

        Records are numbered through all data sets.
        """
        return self._roots(self._numbers(candidates, "a")).astype(np.uint32)

    def _numbers(self, candidates: Candidates, end: str) -> NDArray[np.int64]:
        numbers: NDArray[np.int64] = self._starts[candidates[f"dataset_{end}"]] + candidates[f"record_{end}"]
        return numbers

    def _roots(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        while True:
            parents = self._parents[numbers]
            if np.array_equal(parents, numbers):
                return numbers
            self._parents[numbers] = self._parents[parents]  # halves the path
            numbers = parents.astype(np.int64)
