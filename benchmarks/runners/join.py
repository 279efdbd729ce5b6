"""How time grows with the number of records: the index join and the tiled kernel on one core.

Tiled kernel and anonlink compare every pair, so beyond ``most_pairs`` they are measured on some and scaled:
the former on the first rows of one side against all of the other, the latter on a square, whose records cost
least to convert. The index join is measured whole, or by some of its parts.
"""

from __future__ import annotations

import math
from typing import Any

import dice_kernel
import numpy as np
from dice_kernel.index_join import plan, popcounts

from benchmarks.data import Pair, pair
from benchmarks.measuring import least_seconds
from benchmarks.runners import anonlink_side

_LEAST_ROWS = 200


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each size and threshold.

    ``sizes``: records a side; ``thresholds``; ``most_pairs`` of "tiled" and "anonlink"; ``repetitions``, of
    sizes up to ``repeated_up_to``; ``sampled``: [records, threshold, parts of the join to measure].
    """
    return [
        _measured(experiment, data, threshold)
        for data in map(pair, experiment["sizes"])
        for threshold in experiment["thresholds"]
    ]


def _measured(experiment: dict[str, Any], data: Pair, threshold: float) -> dict[str, Any]:
    records = len(data.a)
    most = experiment["most_pairs"]
    tiled_rows = max(_LEAST_ROWS, min(records, most["tiled"] // records))
    anonlink_rows = min(records, math.isqrt(most["anonlink"]))
    parts = _part_count(data, threshold)
    measured_parts = next(
        (count for size, at, count in experiment.get("sampled", []) if (size, at) == (records, threshold)),
        parts,
    )
    records_a = anonlink_side.as_records(data.a[:anonlink_rows])
    records_b = anonlink_side.as_records(data.b[:anonlink_rows])
    repetitions = experiment["repetitions"] if records <= experiment["repeated_up_to"] else 1
    hits: dict[str, int] = {}

    def index() -> None:
        found = dice_kernel.index_join(data.a, data.b, threshold, parts=(0, measured_parts))
        hits["index"] = len(found[0])

    def tiled() -> None:
        hits["tiled"] = len(dice_kernel.compare(data.a[:tiled_rows], data.b, threshold)[0])

    seconds = least_seconds(
        {
            "index": index,
            "tiled": tiled,
            "anonlink": lambda: anonlink_side.compare(records_a, records_b, threshold),
        },
        repetitions,
    )
    whole = {
        "index": seconds["index"] * parts / measured_parts,
        "tiled": seconds["tiled"] * records / tiled_rows,
        "anonlink": seconds["anonlink"] * (records / anonlink_rows) ** 2,
    }
    is_whole = measured_parts == parts and tiled_rows == records
    return {
        "records": records,
        "threshold": threshold,
        "isa": dice_kernel.isa(),
        "seconds": whole,
        "measured": {
            "index": f"{measured_parts} of {parts} parts",
            "tiled": f"{tiled_rows} x {records}",
            "anonlink": f"{anonlink_rows} x {anonlink_rows}",
        },
        "chosen": dice_kernel.choose(data.a, data.b, threshold),
        "same_hits": hits["index"] == hits["tiled"] if is_whole else None,
        "hits": hits["index"] if measured_parts == parts else None,
    }


def _part_count(data: Pair, threshold: float) -> int:
    bits = 8 * data.a.shape[1]
    histograms = (np.bincount(popcounts(side), minlength=bits + 1) for side in (data.a, data.b))
    return plan(*histograms, threshold).part_count
