"""What a run's compare functions have used, which no row tells while they are at work."""

from __future__ import annotations

from chalicelib.config import settings
from chalicelib.storage.cache import Progress
from chalicelib.storage.runs import Run

MB_A_GB = 1024
MB_A_VCPU = 1769  # Lambda gives a function with so much memory one vCPU, and others in proportion


def comparisons_per_second(memory_mb: int) -> float:
    """What a function of that memory does on its vCPUs, by the set rate, in standard comparisons."""
    return settings().comparisons_per_second * memory_mb / MB_A_VCPU


def of_comparing(run: Run, counted: Progress | None, comparisons: int) -> tuple[float, int]:
    """GB-seconds and requests of the run's compare functions so far.

    By what they ``counted``, or without that by how many ``comparisons`` they have done, at the set rate.
    """
    s = settings()
    if counted is not None:
        seconds, requests = counted.milliseconds / 1000, counted.calls
    else:
        seconds = comparisons / comparisons_per_second(s.compare_memory_mb)
        share = comparisons / run.total_comparisons if run.total_comparisons else 0
        requests = round(share * (run.chunks or 0))
    return seconds * s.compare_memory_mb / MB_A_GB, requests
