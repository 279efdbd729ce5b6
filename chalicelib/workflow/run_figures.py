"""The metrics of a run that is completed: how long each stage took, and what it cost."""

from __future__ import annotations

from chalicelib import prices
from chalicelib.observability import count
from chalicelib.storage.runs import Run

# Each stage ends at its time in the run's row, and begins where the one before it ended. A run has the
# stages that its result needs.
_STAGES = {
    "time_started": "PlanSeconds",
    "time_compared": "CompareSeconds",
    "time_merged": "MergeSeconds",
    "time_solved": "SolveSeconds",
    "time_permuted": "PermuteSeconds",
    "time_encrypted": "EncryptSeconds",
    "time_completed": "DeliverSeconds",
}


def count_completed(run: Run) -> None:
    """Count the run as its row is at the end."""
    count("RunsCompleted")
    count("RunCost", prices.usd(run.gb_seconds, run.requests))
    begun = run.time_queued
    if begun is None or run.time_completed is None:
        return
    count("RunSeconds", (run.time_completed - begun).total_seconds())
    for column, metric in _STAGES.items():
        ended = getattr(run, column)
        if ended is not None:
            count(metric, (ended - begun).total_seconds())
            begun = ended
