"""The index join: the hits of ``compare`` in far fewer steps than there are pairs, at high thresholds.

The work falls into independent parts (csrc/index_join.c explains the method): threads, processes and
machines share a join by parts, never by cutting the sides into squares, each of which would be indexed
again. ``plan`` decides how long it takes, and nothing here changes the hits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import POINTER, byref, c_double, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dice_kernel._library import (
    HitList,
    Hits,
    address,
    check,
    checked_records,
    checked_sides,
    declare,
    isa_number,
    library,
)
from dice_kernel.comparison import compare

MAX_KEY_BITS = 22  # DK_MAX_KEY_BITS
RANGES_A_THREAD = 4  # so that threads end at about the same time

# What leaving out the heaviest records is weighed by, measured with AVX-512 on 1024 bits at .9: a pair of
# the brute force, and a record and bit of the largest allowed distance (10 ns at 100,000 records a side, 15
# at a million).
BRUTE_FORCE_NS, JOIN_NS = 0.2, 12.0

declare("dk_allowed_distances", None, c_size_t, c_double, c_void_p)
declare(
    "dk_index_join_open",
    c_int,
    *(c_void_p, c_size_t, c_void_p, c_size_t, c_size_t),
    *(c_double, c_uint32, c_uint32, c_uint32, c_int, POINTER(c_void_p)),
)
declare("dk_index_join_parts", c_int, c_void_p, c_uint32, c_uint32, c_void_p, POINTER(c_uint64))
declare("dk_index_join_count", c_int, c_void_p, c_uint32, POINTER(c_uint64), POINTER(c_uint64))
declare("dk_index_join_close", None, c_void_p)


@dataclass(frozen=True)
class Plan:
    """How to join two sides: records with more than ``max_popcount`` bits set by brute force, the others
    in ``part_count`` parts by keys of ``key_bits``."""

    max_popcount: int
    part_count: int
    key_bits: int


def index_join(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    threshold: float,
    *,
    parts: tuple[int, int] | None = None,
    threads: int = 1,
    key_bits: int | None = None,
    part_count: int | None = None,
) -> Hits:
    """The hits of ``compare``, which says what they are, for a threshold above 0.

    ``parts`` = (first, stop) does parts ``first`` up to but without ``stop`` of all that there are: those
    of disjoint ranges are disjoint, and together all hits. How many there are is said by ``part_count``,
    the function of this module. ``part_count`` and ``key_bits`` replace what ``plan`` chooses; every call
    that shares a join must be given the same. ``threads`` share the parts; the GIL is released meanwhile.

    Time depends on the data. On encodings of 1024 bits, half of them set, with thresholds from .85 on, it
    grows with n to the power of about 1.2 to 1.4, n being the records of each side. Memory: a copy of both
    sides, about 60 bytes a record, of which 40 once a thread, and 32 bytes a hit.

    Raises ValueError as ``compare`` does, for threshold 0, and for parts, part_count and key_bits that
    there cannot be; MemoryError.
    """
    a, b = checked_sides(a, b, threshold)
    counts_a, counts_b = popcounts(a), popcounts(b)
    size = a.shape[1]
    how = plan(histogram(counts_a, size), histogram(counts_b, size), threshold)
    how = _replaced(how, 8 * size, part_count, key_bits)
    first, stop = parts if parts is not None else (0, how.part_count)
    if not 0 <= first <= stop <= how.part_count:
        raise ValueError(f"parts must be within 0 and {how.part_count}, got {first} to {stop}")
    with opened(a, b, threshold, how) as join:
        found = _run(join, first, stop, threads)
    shares = (first / how.part_count, stop / how.part_count)
    heavy_a = _share(np.flatnonzero(counts_a > how.max_popcount), *shares)
    heavy_b = _share(np.flatnonzero(counts_b > how.max_popcount), *shares)
    if len(heavy_a):
        scores, rows_a, rows_b = compare(a[heavy_a], b, threshold, threads=threads)
        found.append((scores, heavy_a[rows_a].astype(np.uint32), rows_b))
    if len(heavy_b):
        scores, rows_a, rows_b = compare(a, b[heavy_b], threshold, threads=threads)
        is_new = counts_a[rows_a] <= how.max_popcount  # the others are in the comparison above
        found.append((scores[is_new], rows_a[is_new], heavy_b[rows_b[is_new]].astype(np.uint32)))
    return _concatenated(found)


def part_count(histogram_a: Sequence[int], histogram_b: Sequence[int], threshold: float) -> int:
    """How many parts the join of two sides has. Arguments and errors are those of ``plan``."""
    return plan(histogram_a, histogram_b, threshold).part_count


def plan(
    histogram_a: Sequence[int] | NDArray[np.int64],
    histogram_b: Sequence[int] | NDArray[np.int64],
    threshold: float,
) -> Plan:
    """The plan for two sides, of which ``histogram[p]`` records have p bits set, p from 0 to all bits.

    All that share a join must come to the same plan, so these numbers alone decide it. Raises ValueError
    for histograms that differ in length or fit no size of records, and for a threshold outside (0, 1].
    """
    a, b = np.asarray(histogram_a, dtype=np.int64), np.asarray(histogram_b, dtype=np.int64)
    if len(a) != len(b) or len(a) < 65 or len(a) % 64 != 1:
        raise ValueError(
            f"histograms must have an element more than records have bits, got {len(a)} and {len(b)}"
        )
    distances = allowed_distances((len(a) - 1) // 8, threshold)
    max_popcount, distance = _max_popcount(a, b, distances)
    return Plan(max_popcount, *_parts_and_key(len(a) - 1, distance, int(a.sum()), int(b.sum())))


def _max_popcount(
    a: NDArray[np.int64], b: NDArray[np.int64], distances: NDArray[np.uint32]
) -> tuple[int, int]:
    """The largest popcount to join, and the largest distance that is then allowed.

    That distance decides the number of parts, so a few records with very many bits would make the join
    slow for all. They are left to brute force, if that costs less than it saves; at most one record in a
    thousand, or one, of each side.
    """
    popcounts = np.arange(len(a))
    largest_a, largest_b = (np.maximum.accumulate(np.where(side > 0, popcounts, 0)) for side in (a, b))
    allowed = distances[largest_a + largest_b].astype(np.float64)
    heavier_a, heavier_b = a.sum() - a.cumsum(), b.sum() - b.cumsum()
    brute_force = BRUTE_FORCE_NS * (heavier_a * float(b.sum()) + heavier_b * float(a.sum()))
    cost = brute_force + JOIN_NS * allowed * float(a.sum() + b.sum())
    cost[(heavier_a > np.ceil(a.sum() / 1000)) | (heavier_b > np.ceil(b.sum() / 1000))] = np.inf
    best = len(cost) - 1 - int(cost[::-1].argmin())
    return best, int(allowed[best])


def _parts_and_key(bits: int, distance: int, count_a: int, count_b: int) -> tuple[int, int]:
    """The number of parts and of bits in a key.

    Each further bit in which keys may differ halves the number of parts or so, and multiplies the keys to
    look up: the best choice has the least of them with parts of log2(n) - 4.5 bits or more (measured for
    e from 0 to 4, n from 20,000 to a million, thresholds from .83 to .97). Keys of log2(n) - 2 bits are
    best, and one more or less costs up to a tenth.
    """
    log_count = (np.log2(max(1, count_a)) + np.log2(max(1, count_b))) / 2
    flips = 0
    while distance // (flips + 1) + 1 > min(bits, bits / max(1.0, log_count - 4.5)):
        flips += 1
    part_count = distance // (flips + 1) + 1
    key_bits = min(bits // part_count, MAX_KEY_BITS, round(max(1.0, log_count - 2.0)))
    return part_count, key_bits


def _replaced(how: Plan, bits: int, part_count: int | None, key_bits: int | None) -> Plan:
    parts = how.part_count if part_count is None else part_count
    if not 1 <= parts <= bits:
        raise ValueError(f"part_count must be within 1 and {bits}, got {parts}")
    most = min(bits // parts, MAX_KEY_BITS)
    key = min(how.key_bits, most) if key_bits is None else key_bits
    if not 1 <= key <= most:
        raise ValueError(f"key_bits must be within 1 and {most}, got {key}")
    return Plan(how.max_popcount, parts, key)


def allowed_distances(size: int, threshold: float) -> NDArray[np.uint32]:
    """[s] is in how many bits two records may differ that have s bits together, or fewer, and are a hit.

    uint32, (16 * size + 1,). Raises ValueError for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold of an index join must be above 0 and at most 1, got {threshold}")
    distances = np.empty(16 * size + 1, dtype=np.uint32)
    library.dk_allowed_distances(size, threshold, address(distances))
    return distances


def popcounts(records: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """How many bits each record has set: uint32, (n,). Records and errors as for ``compare``."""
    records = checked_records(records, "records")
    counts = np.empty(len(records), dtype=np.uint32)
    library.dk_popcounts(address(records), len(records), records.shape[1], address(counts))
    return counts


def histogram(counts: NDArray[np.uint32], size: int) -> NDArray[np.int64]:
    """[p] is how many of ``popcounts`` of records of ``size`` bytes are p: (8 * size + 1,)."""
    return np.bincount(counts, minlength=8 * size + 1)


@contextmanager
def opened(a: NDArray[np.uint8], b: NDArray[np.uint8], threshold: float, how: Plan) -> Iterator[c_void_p]:
    """The library's join of two sides as ``checked_sides`` gives them. Raises ValueError, MemoryError."""
    join = c_void_p()
    check(
        library.dk_index_join_open(
            *(address(a), len(a), address(b), len(b), a.shape[1]),
            *(threshold, how.max_popcount, how.part_count, how.key_bits, isa_number(), byref(join)),
        )
    )
    try:
        yield join
    finally:
        library.dk_index_join_close(join)


def join_parts(join: c_void_p, first: int, stop: int) -> tuple[Hits, int]:
    """The hits of these parts, and how many pairs came close enough to be compared."""
    close_pairs = c_uint64()
    with HitList() as hits:
        check(library.dk_index_join_parts(join, first, stop, hits.pointer, byref(close_pairs)))
        return hits.take(), close_pairs.value


def count_part(join: c_void_p, part: int) -> tuple[int, int]:
    """How many keys a part looks up, and how many pairs have keys that meet."""
    lookups, pairs = c_uint64(), c_uint64()
    check(library.dk_index_join_count(join, part, byref(lookups), byref(pairs)))
    return lookups.value, pairs.value


def _run(join: c_void_p, first: int, stop: int, threads: int) -> list[Hits]:
    if threads <= 1 or stop - first <= 1:
        return [join_parts(join, first, stop)[0]]
    edges = np.unique(np.linspace(first, stop, RANGES_A_THREAD * threads + 1, dtype=np.int64)).tolist()
    with ThreadPoolExecutor(threads) as pool:
        return [hits for hits, _ in pool.map(join_parts, [join] * (len(edges) - 1), edges[:-1], edges[1:])]


def _share(rows: NDArray[np.intp], begin: float, end: float) -> NDArray[np.intp]:
    """What lies between two fractions of the rows; shares that adjoin have no row in common and miss none."""
    return rows[round(begin * len(rows)) : round(end * len(rows))]


def _concatenated(found: list[Hits]) -> Hits:
    scores, rows_a, rows_b = (np.concatenate(column) for column in zip(*found, strict=True))
    return scores, rows_a, rows_b
