"""Seconds and memory of what is measured."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Of one call in a process of its own; memory is what it took beyond what there was before."""

    seconds: float
    peak_mb: float
    size: int


def least_seconds(calls: dict[str, Callable[[], Any]], repetitions: int) -> dict[str, float]:
    """The shortest time of each call in ``repetitions`` rounds, in each of which every call has its turn.

    So all see the same machine, and what disturbs it now and then is left out.
    """
    seconds: dict[str, float] = {}
    for _ in range(repetitions):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            took = time.perf_counter() - started
            seconds[name] = min(took, seconds.get(name, took))
    return seconds


def in_a_process(call: Callable[[], int], prepare: Callable[[], Any] | None = None) -> Cost:
    """What ``call`` takes in a fork of this process, after ``prepare``; its answer is the ``size``.

    Raises RuntimeError if it fails.
    """
    context = multiprocessing.get_context("fork")
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(call, prepare, its))
    process.start()
    its.close()
    try:
        cost: Cost = ours.recv()
    except EOFError:
        raise RuntimeError("what was measured has failed") from None
    finally:
        process.join()
    return cost


def _measured(call: Callable[[], int], prepare: Callable[[], Any] | None, connection: Any) -> None:
    if prepare is not None:
        prepare()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from now on
    before = memory_mb("VmRSS")
    started = time.perf_counter()
    size = call()
    seconds = time.perf_counter() - started
    connection.send(Cost(seconds, memory_mb("VmHWM") - before, size))


def memory_mb(name: str) -> float:
    """A value of this process's memory, as VmRSS, in MB."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) / 1024


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Sets or (None) removes environment variables meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    try:
        _set(variables)
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
