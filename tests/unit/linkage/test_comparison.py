from __future__ import annotations

import numpy as np
import pytest

from chalicelib.linkage import anonlink_kernel, comparison, native_kernel
from chalicelib.linkage.comparison import compare, compare_blocks

RANDOM = np.random.default_rng(20)
ROWS = RANDOM.integers(0, 256, (300, 16), dtype=np.uint8)


@pytest.fixture(
    scope="module", autouse=True, params=[anonlink_kernel, native_kernel], ids=["anonlink", "native"]
)
def _kernel(request):
    """Everything holds for both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "find", request.param.find)
        yield


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
    assert anonlink_kernel._aligned(shifted).ctypes.data % 8 == 0  # the kernel would read past the end
    assert found.tolist() == compare(ROWS, ROWS, 0.6, dataset_a=0, dataset_b=1).tolist()


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_0_and_1_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        compare(ROWS, ROWS, threshold, dataset_a=0, dataset_b=1)


@pytest.mark.parametrize(("size_a", "size_b"), [(16, 8), (12, 12)])
def test_sizes_that_cannot_be_compared_are_refused(size_a, size_b):
    with pytest.raises(ValueError, match=f"{size_a}"):
        compare(ROWS[:, :size_a], ROWS[:, :size_b], 0.5, dataset_a=0, dataset_b=1)


def test_sharing_among_workers_changes_nothing(monkeypatch):
    monkeypatch.setattr(anonlink_kernel, "MIN_FORK_COMPARISONS", 0)

    found = compare(ROWS, ROWS, 0, dataset_a=0, dataset_b=1, workers=2)

    assert found.tolist() == compare(ROWS, ROWS, 0, dataset_a=0, dataset_b=1).tolist()
    assert len(found) == len(ROWS) ** 2


def test_rows_of_one_record_give_its_pair_once():
    rows = ROWS[[0, 1, 0]]
    records = np.array([7, 8, 7], dtype=np.uint32)

    found = compare_blocks(
        rows, rows, [(0, 2, 0, 2), (2, 3, 2, 3)], 1.0,
        dataset_a=2, dataset_b=5, records_a=records, records_b=records,
    )  # fmt: skip

    assert found.tolist() == [(1.0, 2, 5, 7, 7), (1.0, 2, 5, 8, 8)]


@pytest.mark.parametrize("rectangles", [[], [(0, 0, 0, 5), (3, 3, 1, 1)]], ids=["none", "empty ones"])
def test_rectangles_without_rows_give_no_pairs(rectangles):
    records = np.arange(len(ROWS), dtype=np.uint32)

    found = compare_blocks(
        ROWS, ROWS, rectangles, 0.5,
        dataset_a=0, dataset_b=1, records_a=records, records_b=records, workers=2,
    )  # fmt: skip

    assert len(found) == 0
