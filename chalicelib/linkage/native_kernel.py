"""Our own kernel, the package dice_kernel: the hits and floats of ``anonlink_kernel``, several times faster.

It works in threads, without the GIL, and sees by the threshold and the data which of its ways is fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

import dice_kernel
import numpy as np

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates
from chalicelib.linkage.encodings import Encodings
from chalicelib.linkage.rectangles import Rectangle
from chalicelib.linkage.work import Work


def find(
    encodings_a: Encodings,
    encodings_b: Encodings,
    rectangles: list[Rectangle],
    threshold: float,
    workers: int,
) -> Candidates:
    """All hits within the rectangles, as ``kernel.find`` gives them; ``workers`` are threads."""
    row_a = row_b = 0
    if len(rectangles) == 1:  # the two ways to compare all with all are for whole arrays
        row_a, stop_a, row_b, stop_b = rectangles[0]
        sides = encodings_a[row_a:stop_a], encodings_b[row_b:stop_b]
        scores, rows_a, rows_b = dice_kernel.find(*sides, threshold, threads=workers)
    else:
        numbers = chain.from_iterable(rectangles)
        places = np.fromiter(numbers, dtype=np.int64, count=4 * len(rectangles)).reshape(-1, 4)
        scores, rows_a, rows_b = dice_kernel.compare_rectangles(
            encodings_a, encodings_b, places, threshold, threads=workers
        )
    found = np.zeros(len(scores), dtype=CANDIDATE_DTYPE)
    found["score"] = scores
    found["record_a"], found["record_b"] = rows_a + np.uint32(row_a), rows_b + np.uint32(row_b)
    return found


def prepare(
    encodings_a: Encodings, encodings_b: Encodings, threshold: float
) -> Callable[[Iterable[Rectangle]], Iterator[Candidates]]:
    """As ``anonlink_kernel.prepare``, but that all hits are in one array. There is no set-up to share."""
    return partial(_compare, encodings_a, encodings_b, threshold)


def _compare(
    encodings_a: Encodings, encodings_b: Encodings, threshold: float, rectangles: Iterable[Rectangle]
) -> Iterator[Candidates]:
    found = find(encodings_a, encodings_b, list(rectangles), threshold, 1)
    if len(found):
        yield found


def work(sample_a: Encodings, sample_b: Encodings, threshold: float, count_a: int, count_b: int) -> Work:
    """What so many records would take, of which these are samples; takes some milliseconds."""
    costs = dice_kernel.costs(sample_a, sample_b, threshold, count_a, count_b)
    standard_ns = _comparison_ns(128, 0.8)
    return Work(costs.tiled / standard_ns, costs.index / standard_ns)


def block_work(comparisons: int, size_bytes: int) -> float:
    """What comparing within blocks takes, where no threshold saves anything."""
    return comparisons * _comparison_ns(size_bytes, 0.0) / _comparison_ns(128, 0.8)


def _comparison_ns(size_bytes: int, threshold: float) -> float:
    """Of one among very many."""
    return dice_kernel.tiled_ns(10**6, 10**6, size_bytes, threshold) / 10**12
