"""How good a linkage is: what was found against what is true. Pure; ``display`` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise
from typing import Any

# A record of the first data set and one of the second, by their record indices.
Pair = tuple[int, int]

# A run's times as its status has them, and what the time since the one before went to.
_STAGES = {
    "time_queued": "wait",
    "time_started": "plan",
    "time_compared": "compare",
    "time_merged": "merge",
    "time_solved": "solve",
    "time_completed": "deliver",
}


@dataclass(frozen=True)
class Quality:
    """Counts of pairs: ``expected`` are true matches, ``found`` were linked, ``correct`` are both."""

    expected: int
    found: int
    correct: int

    @property
    def wrong(self) -> int:
        return self.found - self.correct

    @property
    def missed(self) -> int:
        return self.expected - self.correct

    @property
    def precision(self) -> float:
        """The share of what was linked that is right; 1 when nothing was linked."""
        return self.correct / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the true matches that was found; 1 when there are none."""
        return self.correct / self.expected if self.expected else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.correct / (self.found + self.expected) if self.found + self.expected else 1.0


def pairs_of_groups(groups: Iterable[Iterable[Sequence[int]]]) -> set[Pair]:
    """The pairs that ``[[[dataset, record], …], …]`` says belong together, of two data sets."""
    return {
        (first[1], second[1])
        for group in groups
        for first, second in combinations(sorted(map(tuple, group)), 2)
        if first[0] != second[0]
    }


def pairs_of_scores(scores: Iterable[Sequence[Any]]) -> set[Pair]:
    """The pairs of ``[[[dataset, record], [dataset, record], score], …]``, of two data sets."""
    pairs = (sorted(records) for *records, _score in scores)
    return {(first[1], second[1]) for first, second in pairs}


def pairs_of_result(result: dict[str, Any]) -> set[Pair]:
    """The linked pairs of either result type, as the service delivers it."""
    if "groups" in result:
        return pairs_of_groups(result["groups"])
    return pairs_of_scores(result["similarity_scores"])


def true_pairs(entities_a: Sequence[int], entities_b: Sequence[int]) -> set[Pair]:
    """Every pair of records of the same person."""
    records_b: dict[int, list[int]] = {}
    for record, person in enumerate(entities_b):
        records_b.setdefault(person, []).append(record)
    return {
        (record_a, record_b)
        for record_a, person in enumerate(entities_a)
        for record_b in records_b.get(person, ())
    }


def assess(found: set[Pair], expected: set[Pair]) -> Quality:
    return Quality(expected=len(expected), found=len(found), correct=len(found & expected))


def seconds_by_stage(stage_times: dict[str, str]) -> dict[str, float]:
    """What a run's time went to, in order; stages that it hasn't or hadn't are left out."""
    times = [(name, datetime.fromisoformat(stage_times[name])) for name in _STAGES if name in stage_times]
    return {_STAGES[name]: (time - before).total_seconds() for (_, before), (name, time) in pairwise(times)}


def comparisons_per_second(comparisons: int, stage_times: dict[str, str]) -> float:
    """By the wall clock of the compare stage, starting its workers included."""
    return comparisons / max(seconds_by_stage(stage_times)["compare"], 0.001)
