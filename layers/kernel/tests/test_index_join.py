"""The index join against plain Python integers and against ``compare``, on data that strains each rule."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dice_kernel import choice, choose, compare, find, index_join, part_count
from dice_kernel._library import ISA_VARIABLE, ISAS, library
from dice_kernel.index_join import allowed_distances, plan

SIZES = [8, 16, 24, 56, 64, 72, 128, 256, 512]
RUNNING_ISAS = [name for number, name in enumerate(ISAS) if library.dk_isa_supported(number)]

Rows = np.ndarray
Pairs = list[tuple[float, int, int]]


@pytest.fixture(params=RUNNING_ISAS)
def isa(request, monkeypatch) -> str:
    monkeypatch.setenv(ISA_VARIABLE, request.param)
    return request.param


def exact_pairs(a: Rows, b: Rows, threshold: float) -> Pairs:
    """The slow, obvious reference."""
    integers_a = [int.from_bytes(row.tobytes(), "big") for row in a]
    integers_b = [int.from_bytes(row.tobytes(), "big") for row in b]
    scored = (
        (2 * (x & y).bit_count() / (x.bit_count() + y.bit_count()), i, j)
        for i, x in enumerate(integers_a)
        for j, y in enumerate(integers_b)
        if x or y
    )
    return sorted(pair for pair in scored if pair[0] >= threshold)


def as_pairs(hits: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Pairs:
    return sorted(zip(*(column.tolist() for column in hits), strict=True))


def joined(a: Rows, b: Rows, threshold: float, **options) -> Pairs:
    return as_pairs(index_join(a, b, threshold, **options))


def histogram(records: Rows) -> list[int]:
    return np.bincount(
        np.unpackbits(records, axis=1).sum(axis=1), minlength=8 * records.shape[1] + 1
    ).tolist()


def random_rows(seed: int, count: int, size: int, density: float = 0.5) -> Rows:
    return np.packbits(np.random.default_rng(seed).random((count, 8 * size)) < density, axis=1)


def near_copies(seed: int, rows: Rows, most_flips: int) -> Rows:
    """Each row with some bits flipped, from none to ``most_flips``."""
    random = np.random.default_rng(seed)
    bits = np.unpackbits(rows, axis=1)
    for row in bits:
        row[random.choice(len(row), random.integers(0, most_flips + 1), replace=False)] ^= 1
    return np.packbits(bits, axis=1)


def people(seed: int, count: int, size: int = 128) -> tuple[Rows, Rows]:
    """Two sides of encodings as linkage has them: filters of bigrams, families, half in both, with typos."""
    random = np.random.default_rng(seed)
    filters: dict[tuple[int, str], np.ndarray] = {}
    names = ["".join(random.choice(list("abcdeilmnorst"), random.integers(4, 9))) for _ in range(400)]

    def encoded(person: list[str]) -> Rows:
        bits = np.zeros(8 * size, dtype=bool)
        for field, value in enumerate(person):
            for left, right in zip(f" {value}", f"{value} ", strict=True):
                bigram = filters.setdefault((field, left + right), random.integers(0, 8 * size, size // 8))
                bits[bigram] = True
        return np.packbits(bits)

    def mistyped(person: list[str]) -> list[str]:
        return [value if random.random() < 0.8 else value[:2] + "x" + value[3:] for value in person]

    def common(length: int) -> str:
        return names[min(int(random.exponential(length / 4)), length - 1)]

    households = [[common(400), common(100), common(200)] for _ in range(count)]
    homes = [int(random.integers(count // 4)) if random.random() < 0.3 else i for i in range(count)]
    persons = [[common(100), *households[home], common(50)] for home in homes]
    others = [mistyped(person) for person in persons[: count // 2]]
    lengths = [100, 400, 100, 200, 50]
    others += [[common(length) for length in lengths] for _ in range(count - len(others))]
    return np.array([encoded(person) for person in persons]), np.array([encoded(person) for person in others])


@st.composite
def sides(draw) -> tuple[Rows, Rows]:
    """Two sides of one size: random, nested, sparse, dense, zero and full rows, and near copies of them."""
    size = draw(st.sampled_from(SIZES))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = np.zeros((draw(st.integers(1, 12)), 8 * size), dtype=bool)
    for row in bits:
        row[: draw(st.integers(0, 8 * size))] = draw(st.booleans())
        row ^= random.random(8 * size) < draw(st.sampled_from([0, 0.05, 0.5, 0.95]))
    rows = np.packbits(bits, axis=1)
    copies = near_copies(draw(st.integers(0, 2**32 - 1)), rows, draw(st.integers(0, size)))
    return rows[: draw(st.integers(0, 12))], copies[draw(st.integers(0, 3)) :]


@st.composite
def thresholds(draw) -> float:
    """Those that the join is for, any other, and quotients that pairs may score exactly."""
    if draw(st.booleans()):
        return draw(st.one_of(st.floats(0.84, 1), st.floats(0.01, 1)))
    popcount = draw(st.integers(1, 300))
    return 2 * popcount / (popcount + draw(st.integers(popcount, 2 * popcount)))


@settings(max_examples=400, deadline=None)
@given(sides(), thresholds(), st.sampled_from(RUNNING_ISAS), st.data())
def test_finds_exactly_the_pairs_that_reach_the_threshold(both, threshold, isa, data):
    a, b = both
    bits = 8 * a.shape[1]
    parts = data.draw(st.one_of(st.none(), st.integers(1, bits)), "part_count")
    most = min(12, bits // (parts or plan(histogram(a), histogram(b), threshold).part_count))
    key_bits = data.draw(st.one_of(st.none(), st.integers(1, most)), "key_bits")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ISA_VARIABLE, isa)
        found = joined(a, b, threshold, part_count=parts, key_bits=key_bits)

    assert found == exact_pairs(a, b, threshold)


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("percent", range(84, 100))
def test_every_threshold_on_encodings_of_people(size, percent):
    a, b = people(percent, 300, size)

    assert joined(a, b, percent / 100) == exact_pairs(a, b, percent / 100)


@pytest.mark.parametrize("threshold", [0.85, 0.9, 0.95])
def test_every_instruction_set_on_more_people_than_a_buffer_holds(isa, threshold):
    a, b = people(1, 4_000)

    found = joined(a, b, threshold)

    assert found == as_pairs(compare(a, b, threshold))
    assert len(found) > 200


@pytest.mark.parametrize("flips", range(0, 40, 3))
def test_copies_that_differ_anywhere_are_found(flips):
    """However the flipped bits fall on the parts, some part and its windows must let the pair through."""
    a = random_rows(flips, 400, 128, density=0.45)
    b = near_copies(flips, a, flips)

    for threshold in (0.9, 0.95):
        assert joined(a, b, threshold) == as_pairs(compare(a, b, threshold))


@pytest.mark.parametrize("size", SIZES)
def test_random_bits_of_every_size(size, isa):
    a = random_rows(size, 150, size)
    b = np.concatenate([random_rows(size + 1, 50, size), near_copies(size, a, 2 * size)])

    assert joined(a, b, 0.87) == exact_pairs(a, b, 0.87)


@pytest.mark.parametrize("size", [8, 16, 128])
def test_pairs_at_exactly_the_threshold_are_kept(size):
    bits = 8 * min(size, 16)
    rows = np.packbits(np.tri(bits, 8 * size, dtype=bool), axis=1)  # row p has p + 1 bits

    for few in range(1, bits + 1, 5):
        for many in range(few, bits + 1, 3):
            threshold = 2 * few / (few + many)
            for a, b in ((few, many), (many, few)):
                scores = index_join(rows[a - 1 : a], rows[b - 1 : b], threshold)[0]
                assert scores.tolist() == [threshold], (a, b)


def test_odd_and_even_distances_both_count():
    """The largest distance that two records may have rises and falls with the parity of their bits."""
    for threshold in np.linspace(0.5, 1, 23):
        distances = allowed_distances(16, float(threshold))
        for together in range(2, 257):
            least = next(o for o in range(together + 1) if 2 * o / together >= threshold)
            assert distances[together] >= together - 2 * least
        assert (np.diff(distances.astype(int)) >= 0).all()


def test_identical_records():
    a = np.repeat(random_rows(1, 1, 128), 300, axis=0)

    scores, rows_a, rows_b = index_join(a, a[:250], 0.9)

    assert (scores == 1).all()
    assert len(set(zip(rows_a.tolist(), rows_b.tolist(), strict=True))) == len(scores) == 300 * 250


@pytest.mark.parametrize("threshold", [0.9, 0.95])
def test_more_records_under_a_key_than_are_scanned_at_once(isa, threshold):
    a = random_rows(12, 3, 128)
    b = np.concatenate([near_copies(seed, np.repeat(a, 900, axis=0), 40) for seed in range(2)])
    b = np.concatenate([np.repeat(a, 2_500, axis=0), b])

    found = joined(a, b, threshold, key_bits=2)

    assert found == as_pairs(compare(a, b, threshold))
    assert len(found) > 3 * 2_500


@pytest.mark.parametrize("first", [1, 7])
def test_parts_give_the_same_alone_as_together(first):
    """What is remembered of one part must not change what another one gives."""
    a, b = people(13, 600)
    count = part_count(histogram(a), histogram(b), 0.9)

    together = joined(a, b, 0.9, parts=(0, count))
    singly = [joined(a, b, 0.9, parts=(part, part + 1)) for part in range(count)]
    ranges = [(0, first), (first, count)]

    assert sorted(chain.from_iterable(singly)) == together
    assert sorted(chain.from_iterable(joined(a, b, 0.9, parts=part) for part in ranges)) == together


def test_the_first_record_of_each_side_is_found():
    """Its pair is the one of which all bits are 0, as are those of a place that remembers none."""
    rows = random_rows(14, 40, 128)

    assert joined(rows, rows, 0.95) == [(1.0, row, row) for row in range(40)]


def test_zero_and_full_records():
    rows = random_rows(2, 60, 64)
    rows[:20], rows[20:40] = 0, 255

    for threshold in (0.6, 0.9, 1.0):
        assert joined(rows, rows, threshold) == exact_pairs(rows, rows, threshold)


@pytest.mark.parametrize("threshold", [0.7, 0.9])
def test_records_with_very_many_bits_are_left_to_brute_force(threshold):
    a, b = people(3, 1_500)
    a[700], a[3], b[20] = 255, 255, 255
    b[21], b[22, :100] = 0, 255

    how = plan(histogram(a), histogram(b), threshold)

    assert how.max_popcount < 1024
    assert joined(a, b, threshold) == as_pairs(compare(a, b, threshold))
    assert len([pair for pair in joined(a, b, threshold) if pair[1] in (3, 700)]) >= 2


@pytest.mark.parametrize(("count_a", "count_b"), [(0, 0), (0, 5), (5, 0), (1, 1), (3, 7), (2, 600), (600, 5)])
def test_few_and_unequal_sides(count_a, count_b, isa):
    a, b = people(4, 600)

    assert joined(a[:count_a], b[:count_b], 0.8) == exact_pairs(a[:count_a], b[:count_b], 0.8)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.floats(0, 1), max_size=4), heavy=st.integers(0, 3))
def test_ranges_of_parts_share_the_hits_among_them(seed, cuts, heavy):
    a = random_rows(seed, 1_200, 32)
    b = near_copies(seed, a, 20)
    a[:heavy], b[3 : 3 + heavy] = 255, 255
    count = part_count(histogram(a), histogram(b), 0.88)
    edges = sorted([0, count, *(int(cut * count) for cut in cuts)])

    found = [joined(a, b, 0.88, parts=part) for part in pairwise(edges)]

    assert sorted(chain.from_iterable(found)) == joined(a, b, 0.88) == as_pairs(compare(a, b, 0.88))


def test_threads_share_the_parts():
    a, b = people(5, 2_000)

    assert joined(a, b, 0.9, threads=3) == joined(a, b, 0.9)


def test_a_view_of_every_other_record_is_joined_alike():
    a, b = people(6, 400)

    assert joined(a[::2], b[1::2], 0.8) == exact_pairs(a[::2], b[1::2], 0.8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "above 0"),
        ({"threshold": 1.1}, "threshold"),
        ({"parts": (3, 2)}, "parts"),
        ({"parts": (0, 10_000)}, "parts"),
        ({"part_count": 0}, "part_count"),
        ({"part_count": 513}, "part_count"),
        ({"key_bits": 0}, "key_bits"),
        ({"part_count": 100, "key_bits": 6}, "key_bits"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_are_refused(options, message):
    rows = random_rows(7, 10, 64)

    with pytest.raises(ValueError, match=message):
        index_join(rows, rows, **{"threshold": 0.9, **options})


def test_plans_depend_on_the_popcounts_alone():
    a, b = people(8, 500)
    how = plan(histogram(a), histogram(b), 0.9)

    assert part_count(histogram(a), histogram(b), 0.9) == how.part_count
    assert plan(histogram(a[::-1]), histogram(b[::-1]), 0.9) == how
    assert joined(a, b, 0.9, part_count=how.part_count, key_bits=how.key_bits) == joined(a, b, 0.9)
    with pytest.raises(ValueError, match="histograms"):
        plan([1, 2], [3], 0.9)


@pytest.mark.parametrize(("path", "other"), [("tiled", "index"), ("index", "tiled")])
def test_either_way_can_be_forced(monkeypatch, path, other):
    a, b = people(9, 300)
    monkeypatch.setenv(choice.PATH_VARIABLE, path)
    monkeypatch.setattr(choice, {"tiled": "index_join", "index": "compare"}[path], _unreachable(other))

    assert choose(a, b, 0.9) == path
    assert as_pairs(find(a, b, 0.9)) == exact_pairs(a, b, 0.9)


def _unreachable(name: str) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError(f"{name} was called")

    return fail


def test_an_unknown_way_is_refused(monkeypatch):
    monkeypatch.setenv(choice.PATH_VARIABLE, "fast")

    with pytest.raises(ValueError, match="DICE_KERNEL_PATH"):
        choose(random_rows(1, 3, 8), random_rows(2, 3, 8), 0.9)


def test_threshold_0_is_always_tiled(monkeypatch):
    monkeypatch.setenv(choice.PATH_VARIABLE, "index")

    assert choose(random_rows(1, 3, 8), random_rows(2, 3, 8), 0.0) == "tiled"


def test_the_index_is_chosen_for_many_records_and_a_high_threshold(isa):
    rows = random_rows(10, 40_000, 128)

    assert choose(rows, rows, 0.95) == "index"
    assert choose(rows, rows, 0.6) == "tiled"
    assert choose(rows[:1_000], rows[:1_000], 0.95) == "tiled"


def test_the_index_is_not_chosen_for_records_that_are_alike():
    rows = np.repeat(random_rows(11, 10, 128), 3_000, axis=0)

    assert choose(rows, rows, 0.95) == "tiled"
