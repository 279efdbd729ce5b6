"""A blocked run, from stored data sets to merged pairs, gives what anonlink's own blocking gives."""

from __future__ import annotations

from itertools import combinations, count

import numpy as np
import pytest
from anonlink.solving import greedy_solve
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.linkage import anonlink_kernel, comparison, native_kernel
from chalicelib.linkage.block_planning import Pack, plan_blocks
from chalicelib.linkage.blocking import common_blocks
from chalicelib.linkage.candidates import Candidates, concatenate
from chalicelib.linkage.comparison import compare_blocks
from chalicelib.linkage.merging import merge_candidates
from chalicelib.linkage.planning import ChunkSize
from chalicelib.linkage.rectangles import shares
from chalicelib.linkage.solving import solve_groups
from tests.blocked import Stored, in_block_order, random_blocks
from tests.groups import as_lists
from tests.oracle import Blocks, anonlink_pairs
from tests.unit.factories import linked_encodings

SIZE = 16


@pytest.fixture(
    scope="module", autouse=True, params=[anonlink_kernel, native_kernel], ids=["anonlink", "native"]
)
def _kernel(request):
    """Everything holds for both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "find", request.param.find)
        yield


THRESHOLD = 0.7501  # no quotient of two popcounts of 128 bits, so that anonlink loses none to its rounding


def compared(
    stored: list[Stored], threshold: float, comparisons_per_chunk: int, workers: int = 1
) -> Candidates:
    """As the workflow does it: a sorted file a chunk, all merged."""
    files, index = [], count()
    for a, b in combinations(range(len(stored)), 2):
        blocks = list(common_blocks(stored[a].index, stored[b].index))
        for chunk in plan_blocks(a, b, blocks, ChunkSize(comparisons_per_chunk, 1_000), index):
            if isinstance(chunk, Pack):
                rectangles = blocks[chunk.first : chunk.stop]
            else:
                rectangles = [(chunk.start_a, chunk.stop_a, chunk.start_b, chunk.stop_b)]
            files.append(
                compare_blocks(
                    stored[a].encodings,
                    stored[b].encodings,
                    rectangles,
                    threshold,
                    dataset_a=a,
                    dataset_b=b,
                    records_a=stored[a].records,
                    records_b=stored[b].records,
                    workers=workers,
                )
            )
    for file in files:
        assert len(np.unique(file)) == len(file), "a file holds a pair twice"
    return concatenate(merge_candidates([[file] for file in files], pairs_per_block=50))


def as_list(candidates: Candidates) -> list[tuple]:
    return [(score, a, b, i, j) for score, a, b, i, j in candidates.tolist()]


def anonlinks(datasets: list[np.ndarray], blocks: Blocks, threshold: float) -> list[tuple]:
    scores, (datasets_a, datasets_b), (records_a, records_b) = anonlink_pairs(datasets, threshold, blocks)
    return list(zip(scores, datasets_a, datasets_b, records_a, records_b, strict=True))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(0, 40), min_size=2, max_size=3).filter(any),
    names=st.sampled_from([1, 5, 30]),
    threshold=st.sampled_from([0.0, 0.4503, THRESHOLD]),
    comparisons_per_chunk=st.integers(5, 600),
)
def test_pairs_and_scores_are_those_of_anonlinks_blocking(
    seed, counts, names, threshold, comparisons_per_chunk
):
    datasets = linked_encodings(seed, tuple(counts), SIZE)
    blocks = random_blocks(seed, counts, names)
    stored = [in_block_order(*party) for party in zip(datasets, blocks, strict=True)]

    found = as_list(compared(stored, threshold, comparisons_per_chunk))

    assert found == anonlinks(datasets, blocks, threshold)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), workers=st.integers(2, 3))
def test_several_workers_find_the_same_pairs(seed, workers):
    datasets, blocks = linked_encodings(seed, (60, 50), SIZE), random_blocks(seed, (60, 50))
    stored = [in_block_order(*party) for party in zip(datasets, blocks, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anonlink_kernel, "MIN_FORK_COMPARISONS", 0)

        found = as_list(compared(stored, THRESHOLD, 10**6, workers))

    assert found == anonlinks(datasets, blocks, THRESHOLD)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tile_rows=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_the_size_of_tiles_does_not_matter(seed, tile_rows):
    datasets, blocks = linked_encodings(seed, (30, 30), SIZE), random_blocks(seed, (30, 30), 4)
    stored = [in_block_order(*party) for party in zip(datasets, blocks, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anonlink_kernel, "TILE_ROWS_A", tile_rows[0])
        patch.setattr(anonlink_kernel, "TILE_ROWS_B", tile_rows[1])

        found = as_list(compared(stored, THRESHOLD, 10**6))

    assert found == anonlinks(datasets, blocks, THRESHOLD)


def test_one_large_block_next_to_many_tiny_ones():
    """And planted matches are found: the properties would hold for nothing found, too."""
    datasets = linked_encodings(9, (900, 800), SIZE)
    blocks: Blocks = [
        [["large"] if record < 300 else [record // 2, f"again {record // 3}"] for record in range(len(rows))]
        for rows in datasets
    ]
    for rows, of_party in zip(datasets, blocks, strict=True):
        rows[350:400] = datasets[0][350:400]
        assert len(of_party) == len(rows)
    stored = [in_block_order(*party) for party in zip(datasets, blocks, strict=True)]

    candidates = compared(stored, THRESHOLD, 5_000)

    assert as_list(candidates) == anonlinks(datasets, blocks, THRESHOLD)
    assert len(candidates) >= 50
    groups = {frozenset(group) for group in as_lists(solve_groups(candidates))}
    assert groups == {frozenset(g) for g in greedy_solve(anonlink_pairs(datasets, THRESHOLD, blocks))}


def test_a_share_of_blocks_is_one_processs_work():
    rectangles = [(2 * i, 2 * i + 2, 2 * i, 2 * i + 2) for i in range(10)]

    assert [len(share) for share in shares(rectangles, 2)] == [5, 5]
