"""The kernel as a similarity function of anonlink's, for its ``find_candidate_pairs`` and the like."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dice_kernel._library import Hits
from dice_kernel.comparison import compare


def dice_coefficient(
    datasets: Sequence[Sequence[Any]], threshold: float, k: int | None = None
) -> tuple[array[float], tuple[array[int], array[int]]]:
    """As ``anonlink.similarities.dice_coefficient_accelerated``, with the same result.

    ``datasets`` are two sequences of records, bitarrays or bytes-like objects of equal length. At most
    ``k`` pairs are given for each record of the first, those that score highest, the smaller record of the
    second first where they tie; None gives all. Returns scores, array("d"), and the two records of each
    pair, array("I"), in the order of score descending, then record of the first, record of the second.

    One difference is deliberate: a pair that scores exactly the threshold is always given. anonlink loses
    some of these to the rounding of a bound.

    Raises ValueError for fewer than two datasets and for records that differ in length, TypeError for
    records that are no bytes, and NotImplementedError for more than two datasets and for bitarrays that
    are no whole number of bytes.
    """
    if len(datasets) < 2:
        raise ValueError(f"not enough datasets (expected 2, got {len(datasets)})")
    if len(datasets) > 2:
        raise NotImplementedError(f"too many datasets (expected 2, got {len(datasets)})")
    if k is not None and k < 0:
        raise ValueError(f"k must not be negative, got {k}")
    first, second = datasets
    if not len(first) or not len(second):
        return array("d"), (array("I"), array("I"))
    size = _common_size(first, second)
    hits = _sorted(compare(_rows(first, size), _rows(second, size), threshold))
    scores, rows_a, rows_b = hits if k is None else _best(hits, k)
    return _as_array("d", scores), (_as_array("I", rows_a), _as_array("I", rows_b))


def _common_size(first: Sequence[Any], second: Sequence[Any]) -> int:
    """The bytes of every record."""
    bits = {_bits(record) for records in (first, second) for record in records}
    if len(bits) > 1:
        raise ValueError("inconsistent filter length")
    (length,) = bits
    if length % 8:
        raise NotImplementedError(
            "only filters whose length in bits is a multiple of 8 are currently supported"
            f" (got filter with length {length})"
        )
    return length // 8


def _bits(record: Any) -> int:
    # A bitarray's length is its bits, its memory may be longer by some that mean nothing.
    return len(record) if hasattr(record, "tobytes") and hasattr(record, "count") else 8 * len(record)


def _rows(records: Sequence[Any], size: int) -> NDArray[np.uint8]:
    """(n, size) uint8, with zeros at the end up to a multiple of 8 bytes: they change no score."""
    rows = np.frombuffer(b"".join(records), dtype=np.uint8).reshape(len(records), size)
    return np.pad(rows, ((0, 0), (0, -size % 8))) if size % 8 else rows


def _sorted(hits: Hits) -> Hits:
    """Score descending, then row of a, row of b."""
    scores, rows_a, rows_b = hits
    order = np.lexsort((rows_b, rows_a, -scores))
    return scores[order], rows_a[order], rows_b[order]


def _best(hits: Hits, k: int) -> Hits:
    """The first ``k`` of each row of a, in the same order."""
    scores, rows_a, rows_b = hits
    by_row = np.argsort(rows_a, kind="stable")
    sorted_rows = rows_a[by_row]
    rank = np.arange(len(by_row)) - np.searchsorted(sorted_rows, sorted_rows)
    kept = np.sort(by_row[rank < k])
    return scores[kept], rows_a[kept], rows_b[kept]


def _as_array(typecode: str, values: NDArray[Any]) -> array[Any]:
    made = array(typecode)
    made.frombytes(values.tobytes())
    return made
