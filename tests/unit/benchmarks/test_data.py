"""The encodings that benchmarks measure with are like real ones; figures in comments are those of FEBRL4."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import people
from benchmarks.data import pair, value_filters
from benchmarks.people import FIELDS
from chalicelib.linkage.encodings import popcounts

RECORDS = 8_000


@pytest.fixture(scope="module")
def made():
    return pair(RECORDS)


def dice(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row."""
    return 2 * popcounts(a & b) / (popcounts(a).astype(float) + popcounts(b))


def test_as_many_bits_are_set_as_in_real_encodings(made):
    counts = popcounts(made.a).astype(float)

    assert 480 < counts.mean() < 500  # 488
    assert 15 < counts.std() < 22  # 19


def test_unrelated_records_are_as_alike_as_real_ones(made):
    random = np.random.default_rng(0)
    rows_a, rows_b = random.integers(0, RECORDS, (2, 100_000))
    first, middle, last = np.percentile(dice(made.a[rows_a], made.b[rows_b]), [1, 50, 99.9])

    assert 0.43 < first < 0.48
    assert 0.50 < middle < 0.55
    assert 0.60 < last < 0.66


def test_three_in_ten_are_in_both_data_sets_and_damaged_but_mostly_recognisable(made):
    scores = dice(made.a[made.matches[:, 0]], made.b[made.matches[:, 1]])

    assert len(made.matches) == 0.3 * RECORDS
    assert all(len(np.unique(rows)) == len(rows) for rows in made.matches.T)
    assert (scores >= 0.8).mean() > 0.95
    assert 0.05 < (scores == 1).mean() < 0.4


def test_relatives_are_alike_without_being_the_same(made):
    neighbours = dice(made.a[1:], made.a[:-1])

    assert 0.1 < ((neighbours > 0.66) & (neighbours < 1)).mean() < 0.2


def test_the_same_arguments_give_the_same_data():
    first, second, other = pair(100), pair(100), pair(100, seed=2)

    assert np.array_equal(first.a, second.a)
    assert np.array_equal(first.b, second.b)
    assert not np.array_equal(first.a, other.a)


@pytest.mark.parametrize("size_bytes", [64, 256, 512])
def test_other_sizes_have_the_same_share_of_bits_set(size_bytes):
    made = pair(1_000, size_bytes)

    assert made.a.shape == (1_000, size_bytes)
    assert 0.46 < popcounts(made.a).mean() / (8 * size_bytes) < 0.5


def test_a_typo_costs_a_value_some_of_its_bits_alone():
    surname = FIELDS[1]
    values = np.array([b"winterbottom", b"winterbotton", b""], dtype="S32")
    whole, typo, none = popcounts(value_filters(surname, values, 128))
    common = popcounts(np.bitwise_and(*value_filters(surname, values[:2], 128))[None])[0]

    assert none == 0
    assert 0.7 < common / whole < 0.95
    assert abs(int(whole) - int(typo)) < 15


def test_damage_replaces_or_leaves_out_a_letter_or_all():
    values = np.array([b"winterbottom"] * 500, dtype="S32")
    changed = people.damaged(values, np.random.default_rng(3))
    lengths = np.char.str_len(changed)

    assert set(lengths) == {12, 11, 0}
    assert np.array_equal(
        np.char.str_len(people.damaged(np.array([b""] * 20, "S32"), np.random.default_rng(1))), [0] * 20
    )
