"""What everything is compared with: anonlink, called as its documentation says, on the same records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.serialization import merge_streams
from anonlink.similarities import dice_coefficient_accelerated
from anonlink.solving import greedy_solve
from bitarray import bitarray

from chalicelib.linkage.encodings import Encodings

__all__ = [
    "as_records",
    "compare",
    "dice_coefficient_accelerated",
    "find_candidate_pairs",
    "greedy_solve",
    "merge_streams",
    "pair_set",
]

Records = Sequence[bitarray]


def as_records(encodings: Encodings) -> list[bitarray]:
    """Rows as anonlink takes them."""
    records = []
    for row in encodings:
        record = bitarray(endian="big")
        record.frombytes(row.tobytes())
        records.append(record)
    return records


def compare(records_a: Records, records_b: Records, threshold: float) -> Any:
    """Its accelerated Dice: scores and rows of all pairs at or above the threshold, sorted."""
    return dice_coefficient_accelerated((records_a, records_b), threshold, k=None)


def pair_set(found: Any, threshold: float) -> set[tuple[float, int, int]]:
    """Its pairs above the threshold; of those that score it exactly it loses some."""
    scores, (rows_a, rows_b) = found
    columns = (np.asarray(column).tolist() for column in (scores, rows_a, rows_b))
    return {pair for pair in zip(*columns, strict=True) if pair[0] > threshold}
