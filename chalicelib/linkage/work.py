"""How much work comparing is, before it is done.

The unit is a standard comparison: of 1,024-bit encodings at threshold 0.8, all with all in tiles. Other
sizes and thresholds cost more or less, an index join far less than its pairs; what a machine does in a
second is a setting, so only ratios come from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """What either way to compare takes, in standard comparisons; infinite where there is no such way."""

    tiled: float
    joined: float

    @property
    def least(self) -> float:
        return min(self.tiled, self.joined)


WorkOf = Callable[[int, int], Work]
"""The work for so many records of each of two data sets."""
