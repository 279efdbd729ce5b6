"""Redis: status, progress and an ephemeral cache. Losing it at any moment loses nothing.

Every function answers None (or does nothing) when Redis is away: callers have a slower way. A
failure is remembered for a few seconds, so that a dead Redis costs one timeout and not one a call.
Keys: ``run:{run}`` (hash: state, progress, candidates, and one field a counted chunk) and
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

import redis

from chalicelib.config import settings

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_TIMEOUT_SECONDS = 0.5
_REST_SECONDS = 5
_STATUS_EXPIRY_SECONDS = 30

# Counts a chunk once, however often its worker runs. A hash that Plan didn't make (Redis was
# flushed since) is left absent, so that readers see that Redis doesn't know the whole.
_COUNT_CHUNK = """
if redis.call('hexists', KEYS[1], 'state') == 0 then return 0 end
if redis.call('hsetnx', KEYS[1], 'chunk:' .. ARGV[1], 1) == 0 then return 0 end
redis.call('hincrby', KEYS[1], 'progress', ARGV[2])
redis.call('hincrby', KEYS[1], 'candidates', ARGV[3])
return 1
"""

_client: redis.Redis | None = None
_resting_until = 0.0


@dataclass(frozen=True)
class Progress:
    comparisons: int
    candidate_pairs: int


def _tolerant(function: Callable[Parameters, Result]) -> Callable[Parameters, Result | None]:
    """None instead of an error when Redis is away."""

    @functools.wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result | None:
        global _resting_until
        if time.monotonic() < _resting_until:
            return None
        try:
            return function(*args, **kwargs)
        except redis.RedisError:
            _resting_until = time.monotonic() + _REST_SECONDS
            return None

    return wrapped


def _redis() -> redis.Redis:
    global _client
    if _client is None:
        s = settings()
        _client = redis.Redis(
            host=s.redis_host,
            port=s.redis_port,
            password=s.redis_password or None,
            ssl=s.redis_tls,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        )
    return _client


def _run_key(run_id: str) -> str:
    return f"run:{run_id}"


@_tolerant
def begin_run(run_id: str) -> None:
    """A run starts (again): progress counts from nothing."""
    with _redis().pipeline() as pipeline:
        pipeline.delete(_run_key(run_id))
        pipeline.hset(_run_key(run_id), mapping={"state": "active", "progress": 0, "candidates": 0})
        pipeline.expire(_run_key(run_id), settings().cache_expiry_seconds)
        pipeline.execute()


@_tolerant
def count_chunk(run_id: str, chunk: int, comparisons: int, candidate_pairs: int) -> None:
    """Add a finished chunk to a run's progress; a chunk that was counted before changes nothing."""
    _redis().eval(_COUNT_CHUNK, 1, _run_key(run_id), chunk, comparisons, candidate_pairs)


@_tolerant
def end_run(run_id: str) -> None:
    """The database tells of this run from now on."""
    _redis().delete(_run_key(run_id))


@_tolerant
def progress(run_id: str) -> Progress | None:
    """What has been counted; None when Redis doesn't know the run (any more)."""
    state, comparisons, candidates = _redis().hmget(_run_key(run_id), "state", "progress", "candidates")
    return Progress(int(comparisons or 0), int(candidates or 0)) if state else None


@_tolerant
def forget_runs(run_ids: list[str]) -> int:
    """Delete everything of these runs; returns how many keys there were."""
    return int(_redis().delete(*map(_run_key, run_ids))) if run_ids else 0


@_tolerant
def put_status(status: dict[str, Any]) -> None:
    _redis().set("entityservice-status", pickle.dumps(status), ex=_STATUS_EXPIRY_SECONDS)


@_tolerant
def get_status() -> dict[str, Any] | None:
    """The status as it was put at most half a minute ago."""
    data: Any = _redis().get("entityservice-status")  # bytes; the stubs also know decoding clients
    try:
        value = _PlainUnpickler(io.BytesIO(data)).load() if data else None
    except Exception:  # whatever a poisoned cache holds, it is as if it held nothing
        return None
    return value if isinstance(value, dict) else None


class _PlainUnpickler(pickle.Unpickler):
    """Reads builtin values only: it refuses every name, so a poisoned cache cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in the cache")
