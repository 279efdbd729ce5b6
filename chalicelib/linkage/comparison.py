"""Comparing encodings: all pairs of two datasets, or ranges of them, whose Dice reaches the threshold.

A compare task calls ``compare`` with the rows of its chunk; ``merging`` takes what it gives. Every
score is computed by anonlink's compiled kernel, so scores are anonlink's very floats; around it are
an exact threshold, bounded memory, and processes, because the kernel holds the GIL.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from array import array
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np

# What dice_coefficient_accelerated calls once it has turned bitarrays into arrays, which we have. On
# 20,000 x 20,000 rows that saves a few per cent of the time; on 100,000 rows it saves 130 ms a call and
# 100,000 objects, and calls can be as small as memory wants them. It is private to anonlink 0.15.3, so
# tests/property/test_comparison.py holds it to the public function.
from anonlink.similarities import _dice
from numpy.typing import NDArray

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates, concatenate, sort_candidates
from chalicelib.linkage.encodings import Encodings, popcounts

# One call of the kernel compares at most TILE_ROWS_A * TILE_ROWS_B pairs, which bounds its output when
# every pair is a hit (16 bytes each, and 24 for ours). Its speed is the same from 2,000 rows of b to all.
TILE_ROWS_A = 256
TILE_ROWS_B = 4_096
# Forking and collecting takes some 12 ms, in which one process does 3 million comparisons: with two
# processes it pays from twice that on.
MIN_FORK_COMPARISONS = 6_000_000
PIPE_PIECE_PAIRS = 500_000  # 12 MB: a message must stay far below Connection's 2 GB
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ComparisonFailed(RuntimeError):
    """A comparing process failed or died. Worth a retry, with fewer processes or more memory."""


def compare(
    encodings_a: Encodings,
    encodings_b: Encodings,
    threshold: float,
    *,
    dataset_a: int,
    dataset_b: int,
    offset_a: int = 0,
    offset_b: int = 0,
    processes: int = 1,
) -> Candidates:
    """Every pair with Dice ≥ ``threshold``, in the order of ``sort_candidates``.

    Row i of ``encodings_a``, (n, size) uint8, is record ``offset_a`` + i of ``dataset_a``; likewise b.
    Scores are those of ``anonlink.similarities.dice_coefficient_accelerated``; pairs are a superset of
    its pairs by those that score exactly the threshold and fall to its rounding (and, for thresholds
    below some 1e-5, by those that fall to an overflow there). Two rows without a
    bit set match at threshold 0 only.

    ``processes`` > 1 shares large inputs among that many forked processes; the result is the same.

    Raises ValueError for sizes that differ or are no multiple of 8 bytes and for a threshold outside
    [0, 1]; ComparisonFailed when a forked process fails.

    O(n * m). Memory grows with hits alone: 24 bytes each in the result, up to five times that while
    it is put together and sorted, and at most 50 MB a process for the tile at hand.
    """
    _check_arguments(encodings_a, encodings_b, threshold)
    a, b = _aligned(encodings_a), _aligned(encodings_b)
    if processes > 1 and len(a) * len(b) >= MIN_FORK_COMPARISONS:
        blocks = _compare_in_processes(a, b, threshold, processes)
    else:
        blocks = list(_compare_tiles(a, b, threshold, 0, 0))
    candidates = concatenate(blocks)
    candidates["dataset_a"], candidates["dataset_b"] = dataset_a, dataset_b
    candidates["record_a"] += np.uint32(offset_a)
    candidates["record_b"] += np.uint32(offset_b)
    return sort_candidates(candidates)


def _check_arguments(encodings_a: Encodings, encodings_b: Encodings, threshold: float) -> None:
    size_a, size_b = encodings_a.shape[1], encodings_b.shape[1]
    if size_a != size_b or size_a % 8 or not size_a:
        raise ValueError(f"encoding sizes must be equal multiples of 8 bytes, got {size_a} and {size_b}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must be within 0 and 1, got {threshold}")


def _aligned(encodings: Encodings) -> Encodings:
    """The same rows, where 8-byte words may be read.

    Given anything else the kernel copies, and reads far past the end of the row that it copies from.
    """
    contiguous = np.ascontiguousarray(encodings)
    return contiguous if contiguous.ctypes.data % 8 == 0 else contiguous.copy()


def _kernel_threshold(threshold: float, encoding_size_bytes: int) -> float:
    """The threshold to give the kernel so that it loses no pair that scores ``threshold`` exactly.

    It skips a pair whose popcounts, p in a and q in b, differ by more than trunc(2p * (1/t - 1)). For
    q < p that is more than any hit differs by. For q ≥ p it is exactly what a hit may differ by, and
    rounding can bring a whole number just below itself (p 13, q 27, t .65). A hit has
    2p/(p + q) ≥ t * (1 - u) with u = 2**-53 for the rounding of its score, so q - p may be
    2p * (1/t * (1 + u) - 1). The computed bound suffers a rounding each in 1/t, the subtraction and
    the product, 3u of at most 1/t together. Lowering t by the factor 1 - e raises it by e/t: any
    e > 4u will do. 1e-12 is 9000u, and too little to let any other score in.

    The bound is an unsigned 32-bit integer. Where 2p/t could exceed it anonlink loses pairs at random,
    and we ask for every pair.
    """
    if threshold * 2**31 <= 8 * encoding_size_bytes:
        return 0.0
    return threshold * (1 - 1e-12)


def _compare_tiles(
    a: Encodings, b: Encodings, threshold: float, offset_a: int, offset_b: int
) -> Iterator[Candidates]:
    """The hits of each tile that has any; records are shifted by the offsets, datasets are left 0."""
    for start_b in range(0, len(b), TILE_ROWS_B):
        tile_b = b[start_b : start_b + TILE_ROWS_B]
        counts_b = popcounts(tile_b)
        for start_a in range(0, len(a), TILE_ROWS_A):
            tile_a = a[start_a : start_a + TILE_ROWS_A]
            hits = _compare_tile(tile_a, tile_b, counts_b, threshold)
            if len(hits):
                hits["record_a"] += np.uint32(offset_a + start_a)
                hits["record_b"] += np.uint32(offset_b + start_b)
                yield hits


def _compare_tile(a: Encodings, b: Encodings, counts_b: NDArray[np.uint32], threshold: float) -> Candidates:
    scores, records_a, records_b = array("d"), array("I"), array("I")
    size_bytes = a.shape[1]
    _dice.dice_many_to_many(
        a.reshape(-1).view(np.int8),
        b.reshape(-1).view(np.int8),
        len(a),
        len(b),
        counts_b,
        size_bytes,
        len(b),  # k: as many hits a record as there can be
        _kernel_threshold(threshold, size_bytes),
        scores,
        records_a,
        records_b,
    )
    is_hit = np.frombuffer(scores) >= threshold
    hits = np.zeros(int(is_hit.sum()), dtype=CANDIDATE_DTYPE)
    hits["score"] = np.frombuffer(scores)[is_hit]
    hits["record_a"] = np.frombuffer(records_a, dtype=np.uint32)[is_hit]
    hits["record_b"] = np.frombuffer(records_b, dtype=np.uint32)[is_hit]
    return hits


def _compare_in_processes(a: Encodings, b: Encodings, threshold: float, processes: int) -> list[Candidates]:
    """The hits of all tiles, from forked processes that each compare a share of the longer side.

    Plain processes and pipes: Lambda has no /dev/shm, which pools and queues need.
    """
    children: dict[Connection, BaseProcess] = {}
    try:
        for share in _shares(a, b, processes):
            receiver, child = _start_child(*share, threshold)
            children[receiver] = child
        return list(_receive(children))
    finally:
        for receiver, child in children.items():
            receiver.close()
            child.kill()  # does nothing to one that has ended
            child.join()
            child.close()


def _shares(a: Encodings, b: Encodings, processes: int) -> Iterator[tuple[Encodings, Encodings, int, int]]:
    """(a, b, offset_a, offset_b) with the longer side cut into ``processes`` even pieces."""
    longer = max(len(a), len(b))
    edges = [longer * share // processes for share in range(processes + 1)]
    for start, stop in pairwise(edges):
        if len(a) >= len(b):
            yield a[start:stop], b, start, 0
        else:
            yield a, b[start:stop], 0, start


def _start_child(
    a: Encodings, b: Encodings, offset_a: int, offset_b: int, threshold: float
) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_run_child, args=(sender, os.getpid(), _libc(), a, b, threshold, offset_a, offset_b)
    )
    child.start()
    # With this copy open, or one in the next child, the end of a child would go unnoticed.
    sender.close()
    return receiver, child


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)  # looked up before the fork: the loader's locks may be held by other threads


def _run_child(
    sender: Connection,
    parent: int,
    libc: ctypes.CDLL,
    a: Encodings,
    b: Encodings,
    threshold: float,
    offset_a: int,
    offset_b: int,
) -> None:
    """Sends ("hits", bytes)… and ("done", b""), or ("error", text) at any time."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    try:
        for hits in _compare_tiles(a, b, threshold, offset_a, offset_b):
            for start in range(0, len(hits), PIPE_PIECE_PAIRS):
                sender.send(("hits", hits[start : start + PIPE_PIECE_PAIRS].tobytes()))
        sender.send(("done", b""))
    except Exception as error:  # whatever it is, the parent raises it
        sender.send(("error", f"{type(error).__name__}: {error}".encode()))


def _receive(children: dict[Connection, BaseProcess]) -> Iterator[Candidates]:
    """The hits of all children as they come. Raises ComparisonFailed as soon as one fails or dies."""
    waiting = list(children)
    while waiting:
        for receiver in wait(waiting):
            assert isinstance(receiver, Connection)
            kind, payload = _receive_message(receiver, children[receiver])
            if kind == "error":
                raise ComparisonFailed(f"a comparing process failed: {payload.decode()}")
            if kind == "done":
                waiting.remove(receiver)
            else:
                yield np.frombuffer(payload, dtype=CANDIDATE_DTYPE)


def _receive_message(receiver: Connection, child: BaseProcess) -> tuple[str, bytes]:
    try:
        message: tuple[str, bytes] = receiver.recv()
        return message
    except (EOFError, OSError):  # OSError: it ended within a message
        child.join()
        exit_code = child.exitcode or 0
        how = (
            f"was killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with {exit_code}"
        )
        raise ComparisonFailed(
            f"a comparing process {how} before it was done; SIGKILL often means that memory ran out"
        ) from None
