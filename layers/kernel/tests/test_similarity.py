"""``dice_coefficient`` against the function of anonlink's that it stands in for."""

from __future__ import annotations

import anonlink
import numpy as np
import pytest
from anonlink.similarities import dice_coefficient_accelerated
from bitarray import bitarray
from hypothesis import given, settings
from hypothesis import strategies as st

from dice_kernel import dice_coefficient


def bitarrays(records: np.ndarray) -> list[bitarray]:
    made = []
    for record in records:
        made.append(bitarray())
        made[-1].frombytes(record.tobytes())
    return made


@st.composite
def datasets(draw) -> list[list[bitarray]]:
    """Two of few different records, so that scores tie; of any number of bytes but few."""
    size = draw(st.sampled_from([1, 3, 8, 12, 16, 128]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    base = random.integers(0, 256, (6, size), dtype=np.uint8)
    base[5] = 0
    return [bitarrays(base[random.integers(0, 6, draw(st.integers(0, 30)))]) for _ in range(2)]


@settings(max_examples=300, deadline=None)
@given(datasets(), st.sampled_from([0.0, 0.3, 0.51, 0.777]), st.sampled_from([None, 0, 1, 2, 5, 1_000]))
def test_the_same_arrays_as_anonlinks(records, threshold, k):
    ours, anonlinks = (
        find(records, threshold, k) for find in (dice_coefficient, dice_coefficient_accelerated)
    )

    assert ours == anonlinks
    assert ours[0].typecode == "d"
    assert [rows.typecode for rows in ours[1]] == ["I", "I"]


def test_the_same_arrays_on_more_records(clks):
    a = clks(1_200)
    b = np.concatenate([a[:600] ^ np.packbits(np.arange(1024) % 40 == 0), clks(600, seed=1)])

    for k in (None, 1, 3):
        records = bitarrays(a), bitarrays(b)
        assert dice_coefficient(records, 0.6, k) == dice_coefficient_accelerated(records, 0.6, k)


def test_a_pair_at_exactly_the_threshold_is_given():
    few, many = (bitarray("1" * bits + "0" * (64 * 2 - bits)) for bits in (13, 27))

    assert dice_coefficient([[few], [many]], 0.65)[0].tolist() == [0.65]
    assert dice_coefficient_accelerated([[few], [many]], 0.65)[0].tolist() == []


def test_bytes_are_records_too():
    records = [b"\xff" * 16, b"\x0f" * 16], [bytearray(b"\xff" * 16)]

    assert dice_coefficient(records, 0.5) == dice_coefficient_accelerated(records, 0.5)


def test_it_serves_anonlinks_search_for_candidates(clks):
    a = clks(300)
    b = a[::-1] ^ np.packbits(np.arange(1024) % 50 == 0)
    records = bitarrays(a), bitarrays(b)

    ours, anonlinks = (
        anonlink.candidate_generation.find_candidate_pairs(records, find, 0.7)
        for find in (dice_coefficient, dice_coefficient_accelerated)
    )

    assert ours == anonlinks


@pytest.mark.parametrize(
    ("records", "error"),
    [
        ([[bitarray(64)]], ValueError),
        ([[bitarray(64)]] * 3, NotImplementedError),
        ([[bitarray(64)], [bitarray(128)]], ValueError),
        ([[bitarray(12)], [bitarray(12)]], NotImplementedError),
        ([[object()], [object()]], TypeError),
    ],
)
def test_the_same_refusals(records, error):
    for find in (dice_coefficient, dice_coefficient_accelerated):
        with pytest.raises(error):
            find(records, 0.5)


def test_a_negative_k_is_refused():
    with pytest.raises(ValueError, match="k must not be negative"):
        dice_coefficient([[bitarray(64)], [bitarray(64)]], 0.5, k=-1)
