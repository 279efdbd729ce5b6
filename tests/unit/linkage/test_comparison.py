from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from chalicelib.linkage import comparison
from chalicelib.linkage.comparison import ComparisonFailed, compare

RANDOM = np.random.default_rng(20)
ROWS = RANDOM.integers(0, 256, (300, 16), dtype=np.uint8)


@pytest.fixture
def forks_always(monkeypatch):
    monkeypatch.setattr(comparison, "MIN_FORK_COMPARISONS", 0)


def row(*set_bits: int) -> np.ndarray:
    bits = np.zeros(64 * 8, dtype=np.uint8)
    bits[list(set_bits)] = 1
    return np.packbits(bits)[None, :]


def test_a_pair_that_scores_exactly_the_threshold_counts_in_either_order():
    few, many = row(*range(13)), row(*range(27))

    for a, b in ((few, many), (many, few)):
        assert compare(a, b, 0.65, dataset_a=0, dataset_b=1)["score"].tolist() == [0.65]


def test_datasets_and_offsets_are_those_of_the_chunk():
    found = compare(ROWS[:1], ROWS[:1], 1.0, dataset_a=2, dataset_b=5, offset_a=1_000, offset_b=4_000_000_000)

    assert found.tolist() == [(1.0, 2, 5, 1_000, 4_000_000_000)]


@pytest.mark.parametrize(("count_a", "count_b"), [(0, 3), (3, 0), (0, 0)])
def test_an_empty_side_gives_no_pairs(count_a, count_b):
    assert len(compare(ROWS[:count_a], ROWS[:count_b], 0.5, dataset_a=0, dataset_b=1)) == 0


def test_rows_without_bits_match_at_threshold_0_only():
    zeros = np.zeros((2, 16), dtype=np.uint8)

    assert len(compare(zeros, zeros, 1e-300, dataset_a=0, dataset_b=1)) == 0
    assert compare(zeros, zeros, 0, dataset_a=0, dataset_b=1)["score"].tolist() == [0.0] * 4


def test_a_tiny_threshold_keeps_every_pair_with_a_bit_in_common():
    few, many = row(0), row(*range(512))

    assert len(compare(few, many, 1e-9, dataset_a=0, dataset_b=1)) == 1


def test_encodings_at_an_odd_address_are_compared_alike():
    shifted = np.frombuffer(b"\0" + ROWS.tobytes(), dtype=np.uint8)[1:].reshape(ROWS.shape)

    found = compare(shifted, shifted, 0.6, dataset_a=0, dataset_b=1)

    assert shifted.ctypes.data % 8
    assert comparison._aligned(shifted).ctypes.data % 8 == 0  # the kernel would read past the end
    assert found.tolist() == compare(ROWS, ROWS, 0.6, dataset_a=0, dataset_b=1).tolist()


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_0_and_1_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        compare(ROWS, ROWS, threshold, dataset_a=0, dataset_b=1)


@pytest.mark.parametrize(("size_a", "size_b"), [(16, 8), (12, 12)])
def test_sizes_that_cannot_be_compared_are_refused(size_a, size_b):
    with pytest.raises(ValueError, match=f"{size_a} and {size_b}"):
        compare(ROWS[:, :size_a], ROWS[:, :size_b], 0.5, dataset_a=0, dataset_b=1)


def test_results_of_a_child_larger_than_a_message_arrive_whole(forks_always, monkeypatch):
    monkeypatch.setattr(comparison, "PIPE_PIECE_PAIRS", 1_000)

    found = compare(ROWS, ROWS, 0, dataset_a=0, dataset_b=1, processes=2)

    assert found.tolist() == compare(ROWS, ROWS, 0, dataset_a=0, dataset_b=1).tolist()
    assert len(found) == len(ROWS) ** 2


def fail_with(action):
    """A stand-in for the kernel that acts in one child and waits for ever in the others."""

    def compare_tiles(a, b, threshold, offset_a, offset_b):
        if offset_a == 0:
            action()
        time.sleep(600)
        yield

    return compare_tiles


def test_an_error_in_a_child_is_raised_with_its_text(forks_always, monkeypatch):
    def action():
        raise MemoryError("no room for 5 rows")

    monkeypatch.setattr(comparison, "_compare_tiles", fail_with(action))

    with pytest.raises(ComparisonFailed, match="MemoryError: no room for 5 rows"):
        compare(ROWS, ROWS, 0.5, dataset_a=0, dataset_b=1, processes=3)


def test_a_killed_child_is_an_error_and_no_child_is_left(forks_always, monkeypatch):
    monkeypatch.setattr(comparison, "_compare_tiles", fail_with(lambda: os.kill(os.getpid(), signal.SIGKILL)))
    before = children_of(os.getpid())

    with pytest.raises(ComparisonFailed, match="killed by SIGKILL"):
        compare(ROWS, ROWS, 0.5, dataset_a=0, dataset_b=1, processes=3)

    assert children_of(os.getpid()) == before


def test_children_die_with_the_worker():
    program = """
        import os
        import time
        import numpy as np
        from chalicelib.linkage import comparison

        def compare_tiles(*args):
            os.write(1, b"started\\n")
            time.sleep(600)
            yield

        comparison.MIN_FORK_COMPARISONS = 0
        comparison._compare_tiles = compare_tiles
        rows = np.zeros((8, 8), dtype=np.uint8)
        comparison.compare(rows, rows, 0.5, dataset_a=0, dataset_b=1, processes=2)
    """
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert [worker.stdout.readline() for _ in range(2)] == ["started\n"] * 2

    worker.kill()

    assert worker.stdout.read() == ""  # ends once the last process that holds the pipe is gone
    worker.wait()


def children_of(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
