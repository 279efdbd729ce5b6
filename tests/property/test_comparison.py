"""``compare`` against plain Python integers, and against anonlink's public function."""

from __future__ import annotations

import numpy as np
import pytest
from anonlink.similarities import dice_coefficient_accelerated
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.linkage import anonlink_kernel, comparison, native_kernel
from chalicelib.linkage.comparison import compare

SIZES = [8, 16, 64, 128]


@pytest.fixture(
    scope="module", autouse=True, params=[anonlink_kernel, native_kernel], ids=["anonlink", "native"]
)
def _kernel(request):
    """Everything holds for both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "find", request.param.find)
        yield


@st.composite
def encodings(draw, size_bytes: int, max_count: int = 12) -> np.ndarray:
    """Rows whose bits are mostly nested, so that popcounts alone decide scores; zero and full rows too."""
    bits = 8 * size_bytes
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = np.zeros((draw(st.integers(0, max_count)), bits), dtype=bool)
    for row in rows:
        row[: draw(st.integers(0, bits))] = True
        row ^= random.random(bits) < draw(st.sampled_from([0, 0, 0.05, 0.5]))
    return np.packbits(rows, axis=1)


@st.composite
def thresholds(draw, size_bytes: int) -> float:
    """Any threshold, and often one that some pair scores exactly."""
    if draw(st.booleans()):
        return draw(st.floats(0, 1, exclude_min=True))
    popcount = draw(st.integers(1, 8 * size_bytes))
    return 2 * popcount / (popcount + draw(st.integers(popcount, 8 * size_bytes)))


@st.composite
def comparisons(draw) -> tuple[np.ndarray, np.ndarray, float]:
    size = draw(st.sampled_from(SIZES))
    return draw(encodings(size)), draw(encodings(size)), draw(thresholds(size))


def exact_pairs(a: np.ndarray, b: np.ndarray, threshold: float) -> list[tuple[float, int, int]]:
    """The slow, obvious reference, for thresholds above 0."""
    integers_a = [int.from_bytes(row.tobytes(), "big") for row in a]
    integers_b = [int.from_bytes(row.tobytes(), "big") for row in b]
    scored = [
        (2 * (x & y).bit_count() / (x.bit_count() + y.bit_count()), i, j)
        for i, x in enumerate(integers_a)
        for j, y in enumerate(integers_b)
        if x or y
    ]
    return sorted((pair for pair in scored if pair[0] >= threshold), key=lambda pair: (-pair[0], *pair[1:]))


def our_pairs(a: np.ndarray, b: np.ndarray, threshold: float, workers: int = 1) -> list:
    found = compare(a, b, threshold, dataset_a=0, dataset_b=1, workers=workers)
    return found[["score", "record_a", "record_b"]].tolist()


def anonlink_pairs(a: np.ndarray, b: np.ndarray, threshold: float) -> list[tuple[float, int, int]]:
    datasets = [row.tobytes() for row in a], [row.tobytes() for row in b]
    scores, (records_a, records_b) = dice_coefficient_accelerated(datasets, threshold)
    return list(zip(scores, records_a, records_b, strict=True))


def assert_superset_at_the_threshold(ours: list, anonlinks: list, threshold: float) -> None:
    """The same pairs, scores and order, but for pairs that score exactly the threshold."""
    assert [pair for pair in ours if pair[0] > threshold] == [
        pair for pair in anonlinks if pair[0] > threshold
    ]
    assert set(anonlinks) <= set(ours)


@settings(max_examples=300)
@given(comparisons())
def test_one_worker_finds_exactly_the_pairs_that_reach_the_threshold(work):
    a, b, threshold = work

    assert our_pairs(a, b, threshold) == exact_pairs(a, b, threshold)


@settings(max_examples=25, deadline=None)  # two forks an example
@given(comparisons())
def test_two_workers_find_exactly_the_same_pairs(work):
    a, b, threshold = work
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anonlink_kernel, "MIN_FORK_COMPARISONS", 0)

        found = our_pairs(a, b, threshold, workers=2)

    assert found == exact_pairs(a, b, threshold)


@settings(max_examples=200)
@given(comparisons())
def test_pairs_are_anonlinks_and_those_it_loses_at_the_threshold(work):
    a, b, threshold = work
    assume(threshold > 1e-4)  # below it, anonlink's bound can overflow and lose any pair

    assert_superset_at_the_threshold(our_pairs(a, b, threshold), anonlink_pairs(a, b, threshold), threshold)


@settings(max_examples=100)
@given(comparisons(), st.integers(1, 5), st.integers(1, 5))
def test_the_size_of_tiles_does_not_matter(work, tile_rows_a, tile_rows_b):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anonlink_kernel, "TILE_ROWS_A", tile_rows_a)
        patch.setattr(anonlink_kernel, "TILE_ROWS_B", tile_rows_b)

        tiled = our_pairs(*work)

    assert tiled == our_pairs(*work)


@pytest.mark.parametrize("size", SIZES)
def test_every_popcount_keeps_its_pairs_at_exactly_the_threshold(size):
    """All scores of nested rows as thresholds: where anonlink's bound falls to its rounding."""
    bits = 8 * min(size, 16)  # 128 of the bits are enough, and all pairs of them quick
    nested = np.tri(bits, 8 * size, dtype=bool)  # row p has p + 1 bits
    rows = np.packbits(nested, axis=1)

    for few in range(1, bits + 1, 3):
        for many in range(few, bits + 1, 2):
            threshold = 2 * few / (few + many)
            for a, b in ((few, many), (many, few)):
                found = compare(rows[a - 1 : a], rows[b - 1 : b], threshold, dataset_a=0, dataset_b=1)
                assert found["score"].tolist() == [threshold], (a, b)


def test_a_second_side_of_ten_thousand_is_compared_alike():
    """There anonlink counts bits by its compiled code and no longer in Python."""
    random = np.random.default_rng(5)
    a = random.integers(0, 256, (50, 128), dtype=np.uint8)
    b = random.integers(0, 256, (10_001, 128), dtype=np.uint8)
    b[9_990:] = a[:11]

    ours = our_pairs(a, b, 0.55)

    assert len(ours) > 100
    assert_superset_at_the_threshold(ours, anonlink_pairs(a, b, 0.55), 0.55)


def test_at_threshold_0_every_pair_is_given():
    random = np.random.default_rng(6)
    a = random.integers(0, 2, (20, 16), dtype=np.uint8)
    a[3] = 0

    assert our_pairs(a, a, 0.0) == anonlink_pairs(a, a, 0.0)
