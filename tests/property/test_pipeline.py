"""Plan, compare, merge and solve together give what anonlink gives in one piece."""

from __future__ import annotations

import dice_kernel
import numpy as np
import pytest
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient_accelerated
from anonlink.solving import greedy_solve, greedy_solve_python
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.linkage import anonlink_solving, solving
from chalicelib.linkage.candidates import Candidates, concatenate, read_blocks, to_bytes
from chalicelib.linkage.comparison import compare
from chalicelib.linkage.merging import merge_candidates
from chalicelib.linkage.planning import ChunkSize, plan_chunks
from chalicelib.linkage.solving import solve_groups
from tests.groups import as_lists

SIZE_BYTES = 16


@pytest.fixture(
    scope="module", autouse=True, params=[anonlink_solving, dice_kernel], ids=["anonlink", "native"]
)
def _solver(request):
    """Everything holds for both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solving, "solve_candidates", request.param.solve_candidates)
        yield


def parties(seed: int, counts: list[int], error_rate: float) -> list[np.ndarray]:
    """Datasets that draw from the same entities, some twice, each bit wrong with ``error_rate``."""
    random = np.random.default_rng(seed)
    entities = random.random((max(counts) + 1, 8 * SIZE_BYTES)) < 0.4
    return [
        np.packbits(
            entities[random.integers(0, len(entities), count)]
            ^ (random.random((count, 8 * SIZE_BYTES)) < error_rate),
            axis=1,
        )
        for count in counts
    ]


def compared_in_chunks(
    datasets: list[np.ndarray], threshold: float, comparisons_per_chunk: int
) -> Candidates:
    """As the workflow does it: a candidate file a chunk, all merged."""
    files = [
        b"".join(
            to_bytes(
                [
                    compare(
                        datasets[chunk.dataset_a][chunk.start_a : chunk.stop_a],
                        datasets[chunk.dataset_b][chunk.start_b : chunk.stop_b],
                        threshold,
                        dataset_a=chunk.dataset_a,
                        dataset_b=chunk.dataset_b,
                        offset_a=chunk.start_a,
                        offset_b=chunk.start_b,
                    )
                ]
            )
        )
        for chunk in plan_chunks(
            [len(dataset) for dataset in datasets], lambda *_: ChunkSize(comparisons_per_chunk, 1_000)
        )
    ]
    return concatenate(merge_candidates([read_blocks([file], 7) for file in files], pairs_per_block=50))


def anonlinks_candidates(datasets: list[np.ndarray], threshold: float) -> tuple:
    records = [[row.tobytes() for row in dataset] for dataset in datasets]
    return find_candidate_pairs(records, dice_coefficient_accelerated, threshold)


def as_columns(candidates: Candidates) -> tuple:
    dataset_a, dataset_b, record_a, record_b = (
        candidates[field].tolist() for field in ("dataset_a", "dataset_b", "record_a", "record_b")
    )
    return candidates["score"].tolist(), (dataset_a, dataset_b), (record_a, record_b)


def as_sets(groups) -> set[frozenset]:
    return {frozenset(group) for group in groups}


@pytest.mark.parametrize("party_count", [2, 3])
@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 40),
    error_rate=st.sampled_from([0.0, 0.02, 0.1, 0.25]),
    threshold=st.floats(0.3, 1),
    comparisons_per_chunk=st.integers(1, 2_000).map(lambda size: max(size, 50)),
)
def test_groups_are_anonlinks(party_count, seed, size, error_rate, threshold, comparisons_per_chunk):
    datasets = parties(seed, [size, size // 2 + 1, size // 3][:party_count], error_rate)

    candidates = compared_in_chunks(datasets, threshold, comparisons_per_chunk)
    groups = as_lists(solve_groups(candidates))

    anonlinks = anonlinks_candidates(datasets, threshold)
    above = candidates[candidates["score"] > threshold]
    count = sum(score > threshold for score in anonlinks[0])
    assert as_columns(above) == (
        list(anonlinks[0][:count]),
        tuple(list(column[:count]) for column in anonlinks[1]),
        tuple(list(column[:count]) for column in anonlinks[2]),
    )
    assert as_sets(groups) == as_sets(greedy_solve_python(as_columns(candidates)))
    if len(candidates) == len(anonlinks[0]):  # else anonlink lost pairs that score exactly the threshold
        assert as_sets(groups) == as_sets(greedy_solve(anonlinks))
    assert groups == sorted(sorted(group) for group in groups)


def test_planted_matches_are_found():
    """The property above would hold for nothing found, too."""
    datasets = parties(7, [200, 200, 200], 0.03)

    candidates = compared_in_chunks(datasets, 0.8, 5_000)

    groups = as_lists(solve_groups(candidates))
    assert len(groups) > 100
    assert max(map(len, groups)) >= 3
    assert as_sets(groups) == as_sets(greedy_solve(anonlinks_candidates(datasets, 0.8)))
