"""What a run costs: its functions' memory times time, and how often they are called.

A state that has Postgres charges the run's row when it ends, well or not. Compare functions add theirs to
Redis, chunk by chunk, and the state that follows them moves the sum to the row. It tells people how
expensive a run is and bills nobody: a charge that fails is logged, and the state goes on.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from chalicelib.config import settings
from chalicelib.observability import logger
from chalicelib.storage import cache, costs, runs
from chalicelib.storage.projects import Project
from chalicelib.storage.runs import Run
from chalicelib.workflow.task import Event, Handler


@dataclass
class _Meter:
    """A call: when it began, and whether it has been charged."""

    started: float
    is_charged: bool = False

    def used(self) -> tuple[float, int]:
        """GB-seconds and requests."""
        return (time.monotonic() - self.started) * memory_mb() / costs.MB_A_GB, 1


_meter: ContextVar[_Meter | None] = ContextVar("meter", default=None)


def charged(handler: Handler) -> Callable[[Event], Any]:
    """Charge the run named in the event for the call of ``handler``, also for one that raises."""

    @functools.wraps(handler)
    def metered(event: Event) -> Any:
        meter = _Meter(time.monotonic())
        before = _meter.set(meter)
        try:
            return handler(event)
        finally:
            _meter.reset(before)
            if not meter.is_charged:
                _charge(event["run_id"], meter)

    return metered


def _charge(run_id: str, meter: _Meter) -> None:
    try:
        runs.charge(run_id, *meter.used())
    except Exception:
        logger.warning("a charge failed", extra={"run_id": run_id}, exc_info=True)


def complete(
    run_id: str, candidate_pairs: int | None = None, seconds_ago: Mapping[str, float] | None = None
) -> Run:
    """``runs.complete``, with what this call has used so far: somebody may look right after.

    What it takes to end, a few milliseconds, is left out. Raises as ``runs.complete``.
    """
    meter = _meter.get()
    gb_seconds, requests = meter.used() if meter else (0, 0)
    run = runs.complete(
        run_id,
        gb_seconds=gb_seconds,
        requests=requests,
        candidate_pairs=candidate_pairs,
        seconds_ago=seconds_ago,
    )
    if meter:
        meter.is_charged = True
    return run


def memory_mb() -> int:
    """Of the function that this is."""
    return int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings().compare_memory_mb))


def record_encrypted(run: Run, project: Project) -> None:
    """The whole mask is encrypted: the run is charged for it, once. Raises Gone as ``runs.begin``."""
    used = costs.of_encrypting(cache.mask_progress(run.run_id), run.mask_bits or 0, project.key_bits)
    runs.record_encrypted(run.run_id, *used)


def record_compared(run: Run) -> None:
    """All chunks are compared: the run is charged for them, once. Raises Gone as ``runs.begin``."""
    used = costs.of_comparing(run, cache.progress(run.run_id), run.total_comparisons or 0)
    runs.record_compared(run.run_id, *used)
