"""Blocked data: one call for all blocks, set-up and final sort included, against anonlink."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.data import Pair, pair
from benchmarks.machine import isas
from benchmarks.measuring import environment, least_seconds
from benchmarks.runners import anonlink_side
from chalicelib.linkage import comparison
from chalicelib.linkage.rectangles import Rectangle


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each size of block and instruction set.

    ``records`` a side; ``sides``: records of a block on each; ``threshold``; ``isas``; ``repetitions``.
    """
    data = _aligned(pair(experiment["records"]))
    return [row for side in experiment["sides"] for row in _measured(experiment, data, side)]


def _aligned(data: Pair) -> Pair:
    """The same records, those who are in both at the same row of either, so that blocks hold matches."""
    order_a, order_b = (
        np.concatenate([rows, np.setdiff1d(np.arange(len(data.a)), rows)]) for rows in data.matches.T
    )
    return Pair(data.a[order_a], data.b[order_b], data.matches)


def _measured(experiment: dict[str, Any], data: Pair, side: int) -> list[dict[str, Any]]:
    records, threshold = len(data.a) // side * side, experiment["threshold"]
    blocks: list[Rectangle] = [(row, row + side, row, row + side) for row in range(0, records, side)]
    rows = np.arange(len(data.a), dtype=np.uint32)
    records_a, records_b = anonlink_side.as_records(data.a), anonlink_side.as_records(data.b)
    usable = [isa for isa in experiment["isas"] if isa in isas()]
    hits: dict[str, int] = {}

    def ours(isa: str) -> None:
        with environment(DICE_KERNEL_ISA=isa):
            found = comparison.compare_blocks(
                *(data.a, data.b, blocks, threshold), dataset_a=0, dataset_b=1, records_a=rows, records_b=rows
            )
        hits[isa] = len(found)

    def anonlink() -> None:
        found = [
            anonlink_side.compare(records_a[start_a:stop_a], records_b[start_b:stop_b], threshold)
            for start_a, stop_a, start_b, stop_b in blocks
        ]
        hits["anonlink"] = sum(len(scores) for scores, _ in found)

    def anonlink_blocking() -> None:
        scores, _, _ = anonlink_side.find_candidate_pairs(
            (records_a[:records], records_b[:records]),
            anonlink_side.dice_coefficient_accelerated,
            threshold,
            blocking_f=lambda _party, record, _encoding: [record // side],
        )
        hits["anonlink_blocking"] = len(scores)

    calls = {isa: (lambda isa=isa: ours(isa)) for isa in usable}
    calls |= {"anonlink": anonlink, "anonlink_blocking": anonlink_blocking}
    seconds = least_seconds(calls, experiment["repetitions"])
    return [
        {
            "side": side,
            "blocks": len(blocks),
            "threshold": threshold,
            "isa": isa,
            "microseconds_a_block": 1e6 * seconds[isa] / len(blocks),
            "anonlink_microseconds_a_block": 1e6 * seconds["anonlink"] / len(blocks),
            "anonlink_blocking_microseconds_a_block": 1e6 * seconds["anonlink_blocking"] / len(blocks),
            "ratio": seconds["anonlink"] / seconds[isa],
            "same_hits": hits[isa] == hits["anonlink"] == hits["anonlink_blocking"],
        }
        for isa in usable
    ]
