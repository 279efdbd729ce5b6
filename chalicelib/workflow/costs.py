"""What a run costs: its functions' memory times time, and how often they are called.

A state that has Postgres charges the run's row when it ends, well or not. Compare functions add theirs to
Redis, chunk by chunk, and the state that follows them moves the sum to the row. It tells people how
expensive a run is and bills nobody: a charge that fails is logged, and the state goes on.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from chalicelib.config import settings
from chalicelib.observability import logger
from chalicelib.storage import cache, costs, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow.task import Event, Handler


@dataclass
class _Meter:
    """What of a call has been charged: up to when, and whether the call itself."""

    charged_at: float
    requests: int = 1


_meter: ContextVar[_Meter | None] = ContextVar("meter", default=None)


def charged(handler: Handler) -> Callable[[Event], Any]:
    """Charge the run named in the event for the call of ``handler``, also for one that raises."""

    @functools.wraps(handler)
    def metered(event: Event) -> Any:
        before = _meter.set(_Meter(time.monotonic()))
        try:
            return handler(event)
        finally:
            charge(event["run_id"])
            _meter.reset(before)

    return metered


def charge(run_id: str) -> None:
    """Charge what this call has used since it was charged last.

    In the middle of a call only where somebody may look right after: before the run is completed.
    """
    meter = _meter.get()
    if meter is None:
        return
    now = time.monotonic()
    try:
        runs.charge(run_id, (now - meter.charged_at) * memory_mb() / costs.MB_A_GB, meter.requests)
    except Exception:
        logger.warning("a charge failed", extra={"run_id": run_id}, exc_info=True)
    else:
        meter.charged_at, meter.requests = now, 0


def memory_mb() -> int:
    """Of the function that this is."""
    return int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings().compare_memory_mb))


def record_compared(run: Run) -> None:
    """All chunks are compared: the run is charged for them, once. Raises Gone as ``runs.begin``."""
    used = costs.of_comparing(run, cache.progress(run.run_id), run.total_comparisons or 0)
    runs.record_compared(run.run_id, *used)
