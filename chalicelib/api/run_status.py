"""How far a run is. Asked several times a second, so it costs one row and one Redis read.

Without Redis the candidate files tell: their names say what was compared. Either way a run's progress
only grows; and a run that doesn't move is given to the reconciler, which knows whether anybody is at it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib import prices
from chalicelib.api import mask_status
from chalicelib.api.mask_status import MaskStatus
from chalicelib.api.responses import timestamp
from chalicelib.config import settings
from chalicelib.observability import logger
from chalicelib.storage import cache, costs, layout, objects, projects
from chalicelib.storage.asked_runs import OwnedRun
from chalicelib.storage.cache import Progress
from chalicelib.storage.runs import Run
from chalicelib.workflow import reconcile

_STAGES = ("waiting for CLKs", "compute similarity scores", "compute output", "encrypt mask")
_TIMES = (
    "time_queued",
    "time_started",
    "time_compared",
    "time_merged",
    "time_solved",
    "time_permuted",
    "time_encrypted",
    "time_completed",
)
_LISTING_SECONDS = 2  # for how long a count by listing serves
STALE_SECONDS = 15
_WATCHED_RUNS = 500


@dataclass
class _Watch:
    """What this process has seen of a run."""

    comparisons: int = 0  # the most that was ever counted
    listed_at: float = float("-inf")
    listed: int = 0
    mark: tuple[Any, ...] = ()
    unchanged_since: float = field(default_factory=time.monotonic)


_watches: OrderedDict[str, _Watch] = OrderedDict()


def describe(owned: OwnedRun) -> dict[str, Any]:
    """The status as clients read it."""
    run = owned.run
    is_comparing = run.state == "running" and run.time_compared is None
    counted = cache.progress(run.run_id) if is_comparing else None
    done = _comparisons_done(run, counted)
    mask = mask_status.describe(owned) if mask_status.is_encrypting(owned) else None
    if run.state in ("queued", "running"):
        _look_after(run, (done, mask.bits if mask else 0))
    rate, eta = (mask.rate, mask.eta_seconds) if mask else _speed(run, done)
    by_workers = costs.of_comparing(run, counted, done) if is_comparing else (0, 0)
    times = {name: getattr(run, name) for name in _TIMES}
    set_times = {name: timestamp(value) for name, value in times.items() if value is not None}
    status = {
        "state": run.state,
        "time_added": timestamp(run.time_added),
        "time_started": set_times.get("time_started"),
        "stages": _stages(owned),
        "current_stage": _current_stage(owned, done, mask),
        "rate": rate,
        "eta_seconds": eta,
        "stage_times": set_times,
        "cost": _cost(run, *(mask.used if mask else by_workers)),
    }
    return status | _total(run) | _ending(run)


def _cost(run: Run, workers_gb_seconds: float, workers_requests: int) -> dict[str, Any]:
    """So far: what the row was charged, and what functions that touch no database haven't charged it yet."""
    gb_seconds, requests = run.gb_seconds + workers_gb_seconds, run.requests + workers_requests
    usd = prices.usd(gb_seconds, requests)
    return {"gb_seconds": round(gb_seconds, 4), "requests": requests, "usd": round(usd, 8)}


def _total(run: Run) -> dict[str, Any]:
    """Known once the run is planned, and before that from another run of the project."""
    total = run.total_comparisons
    if total is None and run.state == "queued":
        total = cache.project_comparisons(run.project_id)
    return {} if total is None else {"total_number_comparisons": total}


def _ending(run: Run) -> dict[str, Any]:
    if run.state == "completed" and run.time_completed is not None:
        return {"time_completed": timestamp(run.time_completed)}
    return {"message": run.message} if run.state == "error" else {}


def _stages(owned: OwnedRun) -> int:
    return {"similarity_scores": 2, projects.ENCRYPTED: 4}.get(owned.result_type, 3)


def _current_stage(owned: OwnedRun, done: int, mask: MaskStatus | None) -> dict[str, Any]:
    number = _stage_number(owned)
    stage: dict[str, Any] = {"number": number, "description": _STAGES[number - 1]}
    if number == 1:
        stage["progress"] = _contributions(owned)
    elif number == 2 and owned.run.state != "error":
        relative = done / owned.run.total_comparisons if owned.run.total_comparisons else 1.0
        stage["progress"] = _progress(done, relative, "number of already computed similarity scores")
    elif mask is not None:
        stage["progress"] = _progress(mask.bits, mask.relative, "number of already encrypted bits")
    elif owned.run.state == "completed":
        stage["progress"] = _progress(1, 1.0, "results are ready")
    return stage


def _stage_number(owned: OwnedRun) -> int:
    run = owned.run
    if run.time_started is None:
        return 1
    if run.state == "completed":
        return _stages(owned)
    if run.time_permuted is not None and run.mask_bits is not None:
        return 4
    return min(2 if run.time_compared is None else 3, _stages(owned))


def _contributions(owned: OwnedRun) -> dict[str, Any]:
    parties = owned.number_parties
    if owned.run.state == "created":
        parties = projects.parties_contributed(owned.run.project_id)
    return _progress(parties, parties / owned.number_parties, "number of parties already contributed")


def _progress(absolute: int, relative: float, description: str) -> dict[str, Any]:
    return {"absolute": absolute, "relative": relative, "description": description}


def _comparisons_done(run: Run, counted: Progress | None) -> int:
    """Never more than the total, and never less than at the last call."""
    total = run.total_comparisons or 0
    if run.state != "running":
        return total if run.state == "completed" else 0
    if run.time_compared is not None:
        return total
    watch = _watch(run.run_id)
    watch.comparisons = max(watch.comparisons, min(total, _counted(run, counted, watch)))
    return watch.comparisons


def _counted(run: Run, counted: Progress | None, watch: _Watch) -> int:
    # A later attempt counts from nothing in Redis, but finds what the ones before have compared.
    if counted is not None and run.attempt == 1:
        return counted.done
    if time.monotonic() - watch.listed_at > _LISTING_SECONDS:
        keys = objects.list_keys(settings().data_bucket, layout.candidates_prefix(run.project_id, run.run_id))
        watch.listed, watch.listed_at = sum(map(layout.comparisons_of, keys)), time.monotonic()
    return watch.listed


def _speed(run: Run, done: int) -> tuple[float | None, float | None]:
    """Comparisons a second, and the seconds that are left; None where nothing is known yet."""
    if run.time_started is None or run.state == "error":
        return None, None
    if run.chunks == 0:  # it reuses another run's comparisons
        return None, 0.0
    end = run.time_completed or run.time_compared or datetime.now(UTC).replace(tzinfo=None)
    seconds = max((end - run.time_started).total_seconds(), 1e-3)
    if run.state == "completed":
        return done / seconds, 0.0
    left = (run.total_comparisons or 0) - done
    return (done / seconds, left * seconds / done) if done else (None, None)


def _look_after(run: Run, done: tuple[int, int]) -> None:
    """``done``: comparisons, and bits of the mask."""
    watch, now = _watch(run.run_id), time.monotonic()
    mark = (run.state, run.attempt, run.time_compared, run.time_merged, run.time_solved, done)
    if mark != watch.mark:
        watch.mark, watch.unchanged_since = mark, now - _seconds_queued(run)
    if now - watch.unchanged_since > STALE_SECONDS:
        watch.unchanged_since = now
        _reconcile(run)


def _seconds_queued(run: Run) -> float:
    if run.state != "queued" or run.time_queued is None:
        return 0
    return (datetime.now(UTC).replace(tzinfo=None) - run.time_queued).total_seconds()


def _reconcile(run: Run) -> None:
    try:
        reconcile.reconcile_run(run)
    except Exception:  # the question was how far the run is, and that can be answered
        logger.warning("reconciling failed", extra={"run_id": run.run_id}, exc_info=True)


def _watch(run_id: str) -> _Watch:
    watch = _watches.setdefault(run_id, _Watch())
    _watches.move_to_end(run_id)
    if len(_watches) > _WATCHED_RUNS:
        _watches.popitem(last=False)
    return watch
