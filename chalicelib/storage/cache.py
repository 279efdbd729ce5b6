"""Redis: status, progress and an ephemeral cache. Losing it at any moment loses nothing.

Every function answers None (or does nothing) when Redis is away: callers have a slower way. A
failure is remembered for a few seconds, so that a dead Redis costs one timeout and not one a call.
Keys: ``run:{run}`` (hash: state, progress, candidates, calls, milliseconds, and one field a counted chunk),
``mask:{run}`` (the same of an encrypted mask: its progress is in bits, a chunk is a slice),
``project:{project}`` (hash: total_comparisons), ``clk-pkl-{data provider}`` (a small data set) and
``entityservice-status``.
"""

from __future__ import annotations

import functools
import io
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from redis import ConnectionError as RedisConnectionError

from chalicelib.config import settings
from chalicelib.observability import count, logger
from chalicelib.storage.cache_connection import FAILURES, Client, connect

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_REST_SECONDS = 5
_STATUS_EXPIRY_SECONDS = 30
_PROJECT_EXPIRY_SECONDS = 3_600

# Counts a chunk once, however often its worker runs. A hash that Plan didn't make (Redis was
# flushed since) is left absent, so that readers see that Redis doesn't know the whole.
_COUNT_CHUNK = """
if redis.call('hexists', KEYS[1], 'state') == 0 then return 0 end
if redis.call('hsetnx', KEYS[1], 'chunk:' .. ARGV[1], 1) == 0 then return 0 end
redis.call('hincrby', KEYS[1], 'progress', ARGV[2])
redis.call('hincrby', KEYS[1], 'candidates', ARGV[3])
redis.call('hincrby', KEYS[1], 'calls', 1)
redis.call('hincrby', KEYS[1], 'milliseconds', ARGV[4])
return 1
"""

_client: Client | None = None
_resting_until = 0.0


@dataclass(frozen=True)
class Progress:
    done: int  # comparisons, or bits
    candidate_pairs: int
    calls: int = 0  # of these functions, by all attempts
    milliseconds: int = 0  # that these took


def _tolerant(function: Callable[Parameters, Result]) -> Callable[Parameters, Result | None]:
    """None instead of an error when Redis is away."""

    @functools.wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result | None:
        global _resting_until
        if time.monotonic() < _resting_until:
            return None
        try:
            return function(*args, **kwargs)
        except FAILURES as error:
            _resting_until = time.monotonic() + _REST_SECONDS
            count("CacheFailures")
            # Other errors repeat what was sent.
            reason = str(error) if isinstance(error, RedisConnectionError) else ""
            logger.warning("cache failed", extra={"error": type(error).__name__, "reason": reason})
            return None

    return wrapped


def _redis() -> Client:
    global _client
    if _client is None:
        _client = connect(settings())
    return _client


def _run_key(run_id: str) -> str:
    return f"run:{run_id}"


def _mask_key(run_id: str) -> str:
    return f"mask:{run_id}"


def begin_run(run_id: str) -> None:
    """A run starts (again): progress counts from nothing, what it has cost stays."""
    _begin(_run_key(run_id))


def begin_mask(run_id: str) -> None:
    """As ``begin_run``, for encrypting the run's mask."""
    _begin(_mask_key(run_id))


@_tolerant
def _begin(key: str) -> None:
    calls, milliseconds = _redis().hmget(key, "calls", "milliseconds")
    with _redis().pipeline(transaction=True) as pipeline:
        pipeline.delete(key)
        pipeline.hset(key, mapping={"state": "active", "progress": 0, "candidates": 0})
        pipeline.hset(key, mapping={"calls": calls or 0, "milliseconds": milliseconds or 0})
        pipeline.expire(key, settings().cache_expiry_seconds)
        pipeline.execute()


def count_chunk(
    run_id: str, chunk: int, comparisons: int, candidate_pairs: int, milliseconds: int = 0
) -> None:
    """Add a finished chunk, and the time it took, to a run's progress.

    A chunk that was counted before changes nothing.
    """
    _count(_run_key(run_id), chunk, comparisons, candidate_pairs, milliseconds)


def count_slice(run_id: str, start: int, bits: int, milliseconds: int) -> None:
    """As ``count_chunk``, for the encrypted slice of the mask that begins at ``start``."""
    _count(_mask_key(run_id), start, bits, 0, milliseconds)


@_tolerant
def _count(key: str, part: int, *counts: int) -> None:
    _redis().eval(_COUNT_CHUNK, 1, key, part, *counts)


@_tolerant
def end_run(run_id: str) -> None:
    """The database tells of this run from now on."""
    _redis().delete(_run_key(run_id), _mask_key(run_id))


def progress(run_id: str) -> Progress | None:
    """What has been counted; None when Redis doesn't know the run (any more)."""
    return _progress(_run_key(run_id))


def mask_progress(run_id: str) -> Progress | None:
    """As ``progress``, of encrypting the run's mask."""
    return _progress(_mask_key(run_id))


@_tolerant
def _progress(key: str) -> Progress | None:
    fields = ("state", "progress", "candidates", "calls", "milliseconds")
    state, *counts = _redis().hmget(key, *fields)
    return Progress(*(int(count or 0) for count in counts)) if state else None


@_tolerant
def forget_runs(run_ids: list[str]) -> int:
    """Delete everything of these runs; returns how many keys there were."""
    keys = [key(run_id) for run_id in run_ids for key in (_run_key, _mask_key)]
    return int(_redis().delete(*keys)) if keys else 0


@_tolerant
def put_status(status: dict[str, Any]) -> None:
    _redis().set("entityservice-status", pickle.dumps(status), ex=_STATUS_EXPIRY_SECONDS)


@_tolerant
def get_status() -> dict[str, Any] | None:
    """The status as it was put at most half a minute ago."""
    return _load_plain(_redis().get("entityservice-status"))


@_tolerant
def put_encodings(dp_id: str, dataset: dict[str, Any]) -> None:
    """Keep a small data set as it is stored: plain builtins only.

    ``upload_id`` and ``encodings`` (bytes), and in a blocked project ``rows`` and ``blocks`` (bytes).
    """
    _redis().set(_encodings_key(dp_id), pickle.dumps(dataset), ex=settings().cache_expiry_seconds)


@_tolerant
def get_encodings(dp_id: str, upload_id: str) -> dict[str, Any] | None:
    """What ``put_encodings`` was given for this upload; None when there is nothing or another's.

    What is in it is to be checked by whoever uses it.
    """
    value = _load_plain(_redis().get(_encodings_key(dp_id)))
    return value if value is not None and value.get("upload_id") == upload_id else None


@_tolerant
def forget_encodings(dp_ids: list[str]) -> int:
    """Delete these data providers' encodings; returns how many keys there were."""
    return int(_redis().delete(*map(_encodings_key, dp_ids))) if dp_ids else 0


def _encodings_key(dp_id: str) -> str:
    return f"clk-pkl-{dp_id}"


@_tolerant
def put_project_comparisons(project_id: str, total_comparisons: int) -> None:
    """How many comparisons a run of this project takes."""
    with _redis().pipeline(transaction=True) as pipeline:
        pipeline.hset(_project_key(project_id), "total_comparisons", total_comparisons)
        pipeline.expire(_project_key(project_id), _PROJECT_EXPIRY_SECONDS)
        pipeline.execute()


@_tolerant
def project_comparisons(project_id: str) -> int | None:
    """What ``put_project_comparisons`` was given within the last hour."""
    value: Any = _redis().hget(_project_key(project_id), "total_comparisons")
    return int(value) if value and value.isdigit() else None


@_tolerant
def forget_project(project_id: str) -> int:
    """Delete what is known of a project; returns how many keys there were."""
    return int(_redis().delete(_project_key(project_id)))


def _project_key(project_id: str) -> str:
    return f"project:{project_id}"


def _load_plain(data: Any) -> dict[str, Any] | None:
    """The pickled dict; None for no bytes (``data`` is None) and whatever else a poisoned cache holds."""
    try:
        value = _PlainUnpickler(io.BytesIO(data)).load() if data else None
    except Exception:  # it is as if the cache held nothing
        return None
    return value if isinstance(value, dict) else None


class _PlainUnpickler(pickle.Unpickler):
    """Reads builtin values only: it refuses every name, so a poisoned cache cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in the cache")
