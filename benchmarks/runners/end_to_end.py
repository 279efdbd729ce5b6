"""Runs through the REST API of an embedded stack, by stage, with the peak memory of every function, against
anonlink's ``find_candidate_pairs`` and ``greedy_solve`` in one process on the same data."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.data import Pair, pair
from benchmarks.runners import anonlink_side
from benchmarks.runners.rest import Linkage
from benchmarks.service import PeakMemory
from localstack.stack import Stack, running

_STEP = 1e-6  # a run at a threshold as high as one before would reuse its comparisons


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each of ``cases``.

    A case has ``records`` a side, ``threshold``, ``format`` of the upload, ``repetitions``; if it is blocked,
    ``block_records`` of a block on each side; ``anonlink_rows`` of the first data set if not all, 0 for none.

    Times are those of the fastest run, since others wait for workers to start; the median is there as well.
    """
    with TemporaryDirectory() as directory, running(Path(directory)) as stack:
        _warm_up(stack)
        return [_measured(stack, case) for case in experiment["cases"]]


def _warm_up(stack: Stack) -> None:
    data = pair(10_000)
    linkage = Linkage(stack.api_url, (data.a, data.b))
    linkage.upload()
    for turn in range(2):
        linkage.run(0.9 - _STEP * turn)
    linkage.delete()


def _measured(stack: Stack, case: dict[str, Any]) -> dict[str, Any]:
    data, threshold = pair(case["records"]), case["threshold"]
    blocks = _blocks(data, case["block_records"]) if "block_records" in case else None
    linkage = Linkage(stack.api_url, (data.a, data.b), case.get("format", "binary"), blocks)
    with PeakMemory(stack) as peaks:
        linkage.upload()
        runs = [linkage.run(threshold - _STEP * turn) for turn in range(case["repetitions"])]
    groups = linkage.groups()
    linkage.delete()
    row = {
        **case,
        **min(runs, key=lambda one: float(one["seconds"])),
        "median_seconds": statistics.median(one["seconds"] for one in runs),
        "upload_seconds": linkage.upload_seconds,
        "ingest_seconds": linkage.ingest_seconds,
        "groups": len(groups),
        "peak_memory_mb": {name: round(peak) for name, peak in sorted(peaks.by_function.items())},
    }
    return row | (_anonlink(data, case, blocks) if case.get("anonlink_rows", 1) else {})


def _blocks(data: Pair, block_records: int) -> tuple[list[str], list[str]]:
    """A block for each record: at random, but for the people in both data sets, who are in the same."""
    random = np.random.default_rng(len(data.a))
    sides = random.integers(0, max(1, len(data.a) // block_records), (2, len(data.a)))
    sides[1, data.matches[:, 1]] = sides[0, data.matches[:, 0]]
    first, second = ([f"block {number}" for number in side] for side in sides.tolist())
    return first, second


def _anonlink(data: Pair, case: dict[str, Any], blocks: tuple[list[str], list[str]] | None) -> dict[str, Any]:
    rows = case.get("anonlink_rows", len(data.a))
    datasets = anonlink_side.as_records(data.a[:rows]), anonlink_side.as_records(data.b)
    started = time.perf_counter()
    found = anonlink_side.find_candidate_pairs(
        datasets,
        anonlink_side.dice_coefficient_accelerated,
        case["threshold"],
        blocking_f=None if blocks is None else (lambda party, record, _: [blocks[party][record]]),
    )
    groups = [group for group in anonlink_side.greedy_solve(found) if len(group) > 1]
    seconds = (time.perf_counter() - started) * len(data.a) / rows
    return {"anonlink_seconds": seconds, **({"anonlink_groups": len(groups)} if rows == len(data.a) else {})}
