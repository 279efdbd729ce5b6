from __future__ import annotations

import json
import subprocess
import sys

import pytest

from chalicelib.linkage.block_planning import chunk_from_dict
from chalicelib.linkage.planning import (
    Chunk,
    ChunkSize,
    Workers,
    max_rows,
    plan_chunks,
    total_comparisons,
)


def test_comparisons_are_counted_for_every_pair_of_datasets():
    assert total_comparisons([10, 20, 30]) == 10 * 20 + 10 * 30 + 20 * 30
    assert total_comparisons([10, 0]) == 0


@pytest.mark.parametrize(
    ("total", "expected"),
    [(0, 1_000), (9_999, 1_000), (50_000, 5_000), (10**9, 20_000)],
    ids=["nothing", "floor", "share", "ceiling"],
)
def test_a_chunk_is_a_workers_share_within_bounds(total, expected):
    assert Workers(10, least=1_000, most=20_000).share(total) == expected


def test_the_ceiling_of_a_chunk_wins_over_its_floor():
    assert Workers(10, least=9_000, most=3_000).share(10**9) == 3_000


def sized(comparisons: int, rows: int = 500_000, *, is_sliced: bool = False):
    return lambda *_: ChunkSize(comparisons, rows, is_sliced)


def test_a_small_run_is_one_chunk():
    assert list(plan_chunks([100, 200], sized(20_000))) == [Chunk(0, 0, 0, 100, 1, 0, 200)]


def test_tiles_of_large_datasets_are_nearly_square():
    for chunk in plan_chunks([100_000, 70_000], sized(10**8)):
        rows_a, rows_b = chunk.stop_a - chunk.start_a, chunk.stop_b - chunk.start_b
        assert 0.8 < rows_a / rows_b < 1.25
        assert chunk.comparisons > 0.7 * 10**8


def test_a_short_dataset_is_not_cut():
    chunks = list(plan_chunks([10, 1_000_000], sized(1_000_000)))

    assert {(chunk.start_a, chunk.stop_a) for chunk in chunks} == {(0, 10)}
    assert len(chunks) == 10


@pytest.mark.parametrize("is_sliced", [False, True])
def test_a_chunks_side_fits_memory(is_sliced):
    chunks = list(plan_chunks([120, 70], sized(10**9, 50, is_sliced=is_sliced)))

    assert len(chunks) == 3 * 2
    assert max(chunk.stop_a - chunk.start_a for chunk in chunks) == 40


@pytest.mark.parametrize(("counts", "sides"), [((1_000, 600), (250, 600)), ((600, 1_000), (600, 250))])
def test_slices_are_of_the_longer_side_against_all_of_the_other(counts, sides):
    chunks = list(plan_chunks(counts, sized(250 * 600, is_sliced=True)))

    assert len(chunks) == 4
    assert {(chunk.stop_a - chunk.start_a, chunk.stop_b - chunk.start_b) for chunk in chunks} == {sides}


def test_two_sides_and_what_is_found_fit_a_functions_memory():
    assert 1_500_000 < max_rows(3_008 * 2**20, 128) < 2_000_000
    assert 2 * max_rows(3_008 * 2**20, 1_024) * 2_100 < 3_008 * 2**20 / 2
    assert max_rows(1, 128) == 1


def test_a_chunk_survives_the_manifest():
    chunk = Chunk(3, 0, 10, 20, 1, 5, 25)

    assert chunk.comparisons == 200
    assert chunk_from_dict(json.loads(json.dumps(chunk.to_dict()))) == chunk


def test_importing_the_plan_loads_no_numpy_or_anonlink():
    code = "import sys, chalicelib.linkage.block_planning; print({'numpy', 'anonlink'} & set(sys.modules))"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
