"""What each way costs, told by a sample. That the right one is then chosen is in test_index_join.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dice_kernel import choice, compare, costs, tiled_ns


def sides(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random bits, half of each side near copies of the other's."""
    random = np.random.default_rng(count)
    a, b = (random.integers(0, 256, (count, 128), dtype=np.uint8) for _ in range(2))
    b[: count // 2] = a[: count // 2]
    b[:, 0] = random.integers(0, 256, count)
    order = random.permutation(count)
    return a, b[order]


@pytest.mark.parametrize("threshold", [0.95, 0.9])
def test_what_the_whole_costs_is_told_by_a_sample(threshold):
    a, b = sides(30_000)

    whole = costs(a, b, threshold, len(a), len(b))
    sampled = costs(a[:4_000], b[:4_000], threshold, len(a), len(b))

    assert sampled.tiled == whole.tiled == tiled_ns(len(a), len(b), 128, threshold)
    assert whole.index / 2 < sampled.index < whole.index * 2
    assert sampled.path == whole.path
    assert sampled.least == min(sampled.tiled, sampled.index)


def test_an_index_costs_less_than_the_pairs_it_is_for(monkeypatch):
    monkeypatch.setenv(choice.PATH_VARIABLE, "index")
    a, b = (side[:3_000] for side in sides(60_000))  # that few have hardly any copies of one another

    small, large = (costs(a, b, 0.9, count, count) for count in (20_000, 200_000))

    assert small.tiled == large.tiled == math.inf
    assert 5 * small.index < large.index < 50 * small.index


def test_a_higher_threshold_and_fewer_bits_cost_less():
    by_threshold = [tiled_ns(10_000, 10_000, 128, threshold) for threshold in (0.95, 0.9, 0.8, 0.5, 0.1)]
    by_size = [tiled_ns(10_000, 10_000, size, 0.8) for size in (64, 128, 1_024)]

    assert by_threshold == sorted(by_threshold)
    assert by_size == sorted(by_size)


def test_nothing_to_compare_costs_nothing_but_the_records(monkeypatch):
    a, _ = sides(10)
    nothing = a[:0]

    assert costs(a, nothing, 0.9, 10, 0).path == "tiled"
    assert not len(compare(a, nothing, 0.9)[0])
    monkeypatch.setenv(choice.PATH_VARIABLE, "index")
    assert costs(a, nothing, 0.9, 10, 0).path == "index"
