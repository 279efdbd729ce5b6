"""``compare`` and ``compare_rectangles`` against plain arithmetic and against anonlink, on every path."""

from __future__ import annotations

import numpy as np
import pytest
from anonlink.similarities import dice_coefficient_accelerated
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import dice_kernel
from dice_kernel import _library

SIZES = [8, 16, 24, 40, 64, 128, 136, 256, 512, 1024]
# Enough records to be arranged in tiles, and enough that a prefix is looked for.
TILED, SAMPLED = 90, 1_100
PER_ISA = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def expected_hits(a: np.ndarray, b: np.ndarray, threshold: float) -> _library.Hits:
    """By a product of matrices of bits, in order. For thresholds above 0."""
    bits_a, bits_b = (np.unpackbits(side, axis=1).astype(np.float32) for side in (a, b))
    overlaps = (bits_a @ bits_b.T).astype(np.float64)
    sums = bits_a.sum(axis=1, dtype=np.float64)[:, None] + bits_b.sum(axis=1, dtype=np.float64)
    scores = np.divide(2 * overlaps, sums, out=np.zeros_like(overlaps), where=sums > 0)
    rows_a, rows_b = np.nonzero(scores >= threshold)
    return in_order(scores[rows_a, rows_b], rows_a, rows_b)


def in_order(scores: np.ndarray, rows_a: np.ndarray, rows_b: np.ndarray) -> _library.Hits:
    order = np.lexsort((rows_b, rows_a, -scores))
    return scores[order], rows_a[order], rows_b[order]


def as_pairs(hits: _library.Hits) -> list[tuple[float, int, int]]:
    return list(zip(*(column.tolist() for column in in_order(*hits)), strict=True))


def expected_pairs(a: np.ndarray, b: np.ndarray, threshold: float) -> list[tuple[float, int, int]]:
    return as_pairs(expected_hits(a, b, threshold))


def found_pairs(a: np.ndarray, b: np.ndarray, threshold: float, **options) -> list[tuple[float, int, int]]:
    return as_pairs(dice_kernel.compare(a, b, threshold, **options))


def assert_same_hits(found: _library.Hits, expected: _library.Hits) -> None:
    """Whatever the order of those found."""
    for ours, wanted in zip(in_order(*found), expected, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def anonlink_pairs(a: np.ndarray, b: np.ndarray, threshold: float) -> list[tuple[float, int, int]]:
    datasets = [row.tobytes() for row in a], [row.tobytes() for row in b]
    scores, (records_a, records_b) = dice_coefficient_accelerated(datasets, threshold)
    return list(zip(scores, records_a, records_b, strict=True))


def with_noise(records: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    flips = np.random.default_rng(seed).random((len(records), 8 * records.shape[1])) < share
    return records ^ np.packbits(flips, axis=1)


@st.composite
def sides(draw, size: int, max_count: int) -> np.ndarray:
    """Rows whose bits are mostly nested, so that popcounts alone decide scores; zero and full rows too."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    counts = st.one_of(st.sampled_from([0, 1, 7, 8, 15, 16, 17, 63, 64, 65]), st.integers(0, max_count))
    count = min(draw(counts), max_count)
    lengths = random.integers(0, 8 * size + 1, count) // draw(st.sampled_from([1, 1, 2, 8, 8 * size + 1]))
    rows = np.arange(8 * size) < lengths[:, None]
    noise = draw(st.sampled_from([0, 0, 0.01, 0.05, 0.5]))
    return np.packbits(rows ^ (random.random(rows.shape) < noise), axis=1).reshape(count, size)


@st.composite
def thresholds(draw, size: int) -> float:
    """Any threshold, and often one that some pair scores exactly."""
    if draw(st.booleans()):
        return draw(st.floats(0, 1, exclude_min=True))
    popcount = draw(st.integers(1, 8 * size))
    return 2 * popcount / (popcount + draw(st.integers(popcount, 8 * size)))


@st.composite
def comparisons(draw, max_count: int = TILED) -> tuple[np.ndarray, np.ndarray, float]:
    size = draw(st.sampled_from(SIZES))
    return draw(sides(size, max_count)), draw(sides(size, max_count)), draw(thresholds(size))


@settings(PER_ISA, max_examples=150)
@given(work=comparisons())
def test_exactly_the_pairs_that_reach_the_threshold(isa, work):
    a, b, threshold = work

    assert found_pairs(a, b, threshold) == expected_pairs(a, b, threshold)


@settings(PER_ISA, max_examples=100)
@given(work=comparisons())
def test_pairs_are_anonlinks_and_those_it_loses_at_the_threshold(isa, work):
    a, b, threshold = work
    assume(threshold > 1e-4)  # below it, anonlink's bound can overflow and lose any pair

    found, anonlinks = found_pairs(a, b, threshold), anonlink_pairs(a, b, threshold)

    assert [pair for pair in found if pair[0] > threshold] == [
        pair for pair in anonlinks if pair[0] > threshold
    ]
    assert set(anonlinks) <= set(found)


@pytest.mark.parametrize("size", range(8, 1025, 8))
def test_every_size(isa, size, clks):
    a = clks(TILED, size)
    b = np.concatenate([with_noise(a[:30], 0.02), a[30:40], clks(60, size, seed=2)])

    for threshold in (0.5, 0.8, 1.0):
        assert found_pairs(a, b, threshold) == expected_pairs(a, b, threshold)


@pytest.mark.parametrize("size", [8, 64, 128, 256, 1024])
@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8, 0.9, 0.97, 1.0])
def test_with_a_prefix(isa, size, threshold, clks):
    a = clks(SAMPLED, size)
    b = np.concatenate([with_noise(a[:300], 0.03), with_noise(a[:300], 0.1, seed=2), clks(700, size, seed=3)])
    b[5], b[7] = 0, 255

    assert_same_hits(dice_kernel.compare(a, b, threshold), expected_hits(a, b, threshold))
    assert_same_hits(dice_kernel.compare(b, a, threshold), expected_hits(b, a, threshold))


@pytest.mark.parametrize("size", [8, 64, 128, 1024])
@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.97])
def test_with_a_prefix_of_many(isa, size, threshold, clks):
    """AVX-512 looks for one later; by parts, which are too few."""
    a, b = clks(7_000, size), with_noise(clks(1_300, size), 0.01)
    b[5], b[7] = 0, 255
    starts = range(0, len(a), 500)
    parts = [dice_kernel.compare(a[start : start + 500], b, threshold) for start in starts]
    rows_a = np.concatenate([part[1] + np.uint32(start) for part, start in zip(parts, starts, strict=True)])
    scores, rows_b = (np.concatenate([part[column] for part in parts]) for column in (0, 2))

    assert len(rows_a) >= 500
    assert_same_hits(dice_kernel.compare(a, b, threshold), in_order(scores, rows_a, rows_b))


@pytest.mark.parametrize("count", [20, TILED, SAMPLED])
@pytest.mark.parametrize("kind", ["ones", "zeros", "identical", "one bit", "one bit more", "sparse"])
def test_degenerate_records(isa, count, kind):
    random = np.random.default_rng(8)
    a = {
        "ones": np.full((count, 128), 255, dtype=np.uint8),
        "zeros": np.zeros((count, 128), dtype=np.uint8),
        "identical": np.repeat(random.integers(0, 256, (1, 128), dtype=np.uint8), count, axis=0),
        "one bit": np.packbits(np.arange(1024) == random.integers(0, 1024, (count, 1)), axis=1),
        "one bit more": np.packbits(np.arange(1024) < random.integers(500, 502, (count, 1)), axis=1),
        "sparse": np.packbits(random.random((count, 1024)) < 0.004, axis=1),
    }[kind]
    b = a[: count - 3]

    for threshold in (1e-9, 0.4, 0.9, 1.0):
        assert_same_hits(dice_kernel.compare(a, b, threshold), expected_hits(a, b, threshold))


def test_every_popcount_keeps_its_pairs_at_exactly_the_threshold(isa):
    rows = np.packbits(np.tri(128, 128, dtype=bool), axis=1)  # row p has p + 1 bits, nested

    for few in range(1, 129, 5):
        for many in range(few, 129, 3):
            threshold = 2 * few / (few + many)
            found = found_pairs(rows, rows, threshold)
            assert (threshold, few - 1, many - 1) in found
            assert (threshold, many - 1, few - 1) in found
            assert min(found)[0] == threshold


@pytest.mark.parametrize("count", [5, TILED, SAMPLED])
def test_at_threshold_0_every_pair_is_given(isa, count):
    a = np.random.default_rng(6).integers(0, 2, (count, 16), dtype=np.uint8)
    a[3] = 0

    scores, rows_a, rows_b = dice_kernel.compare(a, a, 0.0)

    assert len(scores) == count * count
    assert len(set(zip(rows_a.tolist(), rows_b.tolist(), strict=True))) == count * count
    if count < SAMPLED:
        assert as_pairs((scores, rows_a, rows_b)) == anonlink_pairs(a, a, 0.0)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 5), (5, 0), (1, 1), (1, 7_000), (7_000, 1), (3, 400_000)])
def test_lopsided_sides(isa, n, m):
    random = np.random.default_rng(3)
    a, b = (random.integers(0, 256, (count, 8), dtype=np.uint8) for count in (n, m))

    assert_same_hits(dice_kernel.compare(a, b, 0.7), expected_hits(a, b, 0.7))


@pytest.mark.parametrize("threads", [0, 1, 2, 5, 1_000])
def test_any_number_of_threads(isa, threads, clks):
    a, b = clks(SAMPLED), with_noise(clks(SAMPLED + 400), 0.05)

    assert_same_hits(dice_kernel.compare(a, b, 0.7, threads=threads), expected_hits(a, b, 0.7))


def test_records_at_any_address(isa, clks):
    records = clks(TILED, 64)
    shifted = np.frombuffer(b"xyz" + records.tobytes(), dtype=np.uint8, offset=3).reshape(records.shape)
    strided = np.repeat(records, 2, axis=0)[::2]

    assert found_pairs(shifted, strided, 0.8) == expected_pairs(records, records, 0.8)


@settings(PER_ISA, max_examples=100)
@given(work=comparisons(), data=st.data())
def test_rectangles_are_comparisons_of_their_rows(isa, work, data):
    a, b, threshold = work
    edges = st.tuples(*(st.integers(0, len(side)) for side in (a, a, b, b)))
    drawn = data.draw(st.lists(edges, max_size=8))
    rectangles = [(min(r[:2]), max(r[:2]), min(r[2:]), max(r[2:])) for r in drawn]

    found = dice_kernel.compare_rectangles(
        a, b, np.array(rectangles, dtype=np.int64).reshape(-1, 4), threshold
    )

    assert as_pairs(found) == sorted(
        (
            (score, i + start_a, j + start_b)
            for start_a, stop_a, start_b, stop_b in rectangles
            for score, i, j in found_pairs(a[start_a:stop_a], b[start_b:stop_b], threshold)
        ),
        key=lambda pair: (-pair[0], *pair[1:]),
    )


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_thousands_of_blocks_with_large_ones_among_them(isa, threads, clks):
    a, b = clks(2_000, 64), with_noise(clks(2_000, 64), 0.05)
    starts = np.random.default_rng(4).integers(0, 1_950, 3_000)
    small = np.stack([starts, starts + starts % 40, starts, starts + starts % 13], axis=1)
    rectangles = np.concatenate([small[:1_000], [[0, 2_000, 0, 1_500], [100, 400, 0, 300]], small[1_000:]])

    found = dice_kernel.compare_rectangles(a, b, rectangles, 0.75, threads=threads)

    whole = {(i, j): score for score, i, j in expected_pairs(a, b, 0.75)}
    expected = [
        (score, i, j)
        for start_a, stop_a, start_b, stop_b in rectangles.tolist()
        for (i, j), score in whole.items()
        if start_a <= i < stop_a and start_b <= j < stop_b
    ]
    assert as_pairs(found) == sorted(expected, key=lambda pair: (-pair[0], *pair[1:]))


@pytest.mark.parametrize(
    "rectangle", [(-1, 2, 0, 1), (0, 6, 0, 1), (3, 2, 0, 1), (0, 1, -1, 2), (0, 1, 0, 6), (0, 1, 4, 3)]
)
def test_rectangles_outside_the_sides_are_refused(rectangle):
    records = np.zeros((5, 8), dtype=np.uint8)

    with pytest.raises(ValueError, match="cannot compare"):
        dice_kernel.compare_rectangles(records, records, np.array([rectangle]), 0.5)


@pytest.mark.parametrize(
    ("a", "b", "threshold", "message"),
    [
        (np.zeros((1, 8), np.uint8), np.zeros((1, 16), np.uint8), 0.5, "equal size"),
        (np.zeros((1, 12), np.uint8), np.zeros((1, 12), np.uint8), 0.5, "multiple of 8"),
        (np.zeros((1, 1032), np.uint8), np.zeros((1, 1032), np.uint8), 0.5, "up to 1024"),
        (np.zeros((1, 0), np.uint8), np.zeros((1, 0), np.uint8), 0.5, "multiple of 8"),
        (np.zeros(8, np.uint8), np.zeros((1, 8), np.uint8), 0.5, "two dimensions"),
        (np.zeros((1, 8), np.int8), np.zeros((1, 8), np.uint8), 0.5, "uint8"),
        (np.zeros((1, 8), np.uint8), np.zeros((1, 8), np.uint8), 1.1, "threshold"),
        (np.zeros((1, 8), np.uint8), np.zeros((1, 8), np.uint8), float("nan"), "threshold"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, threshold, message):
    with pytest.raises(ValueError, match=message):
        dice_kernel.compare(a, b, threshold)


def test_the_least_overlap_is_the_least_that_scores_the_threshold():
    for threshold in (1e-9, 0.1, 1 / 3, 0.65, 0.7, 0.8, 0.9, 1 - 1e-12, 1.0):
        least = np.empty(16 * 128 + 1, dtype=np.uint32)
        _library.library.dk_least_overlaps(128, threshold, _library.address(least))
        sums = np.arange(1, len(least))
        assert np.all(2 * least[1:].astype(float) / sums >= threshold)
        assert np.all((least[1:] == 0) | (2 * (least[1:] - 1.0) / sums < threshold))
        assert np.all(np.diff(least[1:].astype(int)) >= 0)
        assert least[0] == 1
