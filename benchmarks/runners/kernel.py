"""All pairs of two data sets, with popcounts, transposing and the final sort, against anonlink's accelerated
Dice on the same records and beside what the instructions that count bits allow, in turns."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.data import pair
from benchmarks.machine import isas
from benchmarks.measuring import environment, least_seconds
from benchmarks.runners import anonlink_side
from benchmarks.runners.limit import limit
from chalicelib.linkage import comparison
from chalicelib.linkage.candidates import Candidates


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each size, threshold, instruction set and number of threads.

    ``cases``: ``records`` a side and ``size_bytes`` of each; ``thresholds``; ``isas``, of which those are
    taken that this machine runs; ``threads``, for the first of them; ``path``: tiled, index or none.
    The limit is that of one core, so rows of more threads have none.
    """
    rows = []
    for case in experiment["cases"]:
        for threshold in experiment["thresholds"]:
            rows += _measured(experiment, case, threshold)
    return rows


def _measured(experiment: dict[str, Any], case: dict[str, int], threshold: float) -> list[dict[str, Any]]:
    data = pair(case["records"], case["size_bytes"])
    records_a, records_b = anonlink_side.as_records(data.a), anonlink_side.as_records(data.b)
    usable = [isa for isa in experiment["isas"] if isa in isas()]
    variants = [(isa, 1) for isa in usable]
    variants += [(usable[0], threads) for threads in experiment.get("threads", []) if threads > 1]
    calls: dict[str, Callable[[], Any]] = {
        f"{isa} {threads}": partial(_compare, data.a, data.b, threshold, isa, threads, experiment.get("path"))
        for isa, threads in variants
    }
    calls["anonlink"] = partial(anonlink_side.compare, records_a, records_b, threshold)
    limits: dict[str, float | None] = dict.fromkeys(usable)

    def find_limit(isa: str) -> None:
        if found := limit(isa, case["size_bytes"]):
            limits[isa] = max(found, limits[isa] or 0)

    calls |= {f"limit of {isa}": partial(find_limit, isa) for isa in usable}
    seconds = least_seconds(calls, experiment["repetitions"])
    expected = anonlink_side.pair_set(calls["anonlink"](), threshold)
    found = calls[f"{usable[0]} 1"]()
    return [
        {
            **case,
            "threshold": threshold,
            "isa": isa,
            "threads": threads,
            "seconds": seconds[f"{isa} {threads}"],
            "anonlink_seconds": seconds["anonlink"],
            "ratio": seconds["anonlink"] / seconds[f"{isa} {threads}"],
            **_speed(
                case["records"] ** 2 / seconds[f"{isa} {threads}"], limits[isa] if threads == 1 else None
            ),
            "hits": len(found),
            "same_hits": _pair_set(found, threshold) == expected,
        }
        for isa, threads in variants
    ]


def _compare(a: Any, b: Any, threshold: float, isa: str, threads: int, path: str | None) -> Candidates:
    with environment(DICE_KERNEL_ISA=isa, DICE_KERNEL_PATH=path or os.environ.get("DICE_KERNEL_PATH")):
        return comparison.compare(a, b, threshold, dataset_a=0, dataset_b=1, workers=threads)


def _speed(pairs_per_second: float, at_most: float | None) -> dict[str, float | None]:
    return {
        "pairs_per_second": pairs_per_second,
        "limit_pairs_per_second": at_most,
        "share_of_limit": pairs_per_second / at_most if at_most else None,
    }


def _pair_set(found: Candidates, threshold: float) -> set[tuple[float, int, int]]:
    columns = (found[name].tolist() for name in ("score", "record_a", "record_b"))
    return {one for one in zip(*columns, strict=True) if one[0] > threshold}
