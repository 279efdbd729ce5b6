from __future__ import annotations

import numpy as np

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, empty
from chalicelib.linkage.merging import merge_candidates


def pairs(*rows: tuple[float, int, int]):
    return np.array([(score, 0, 1, a, b) for score, a, b in rows], dtype=CANDIDATE_DTYPE)


def test_no_runs_give_no_blocks():
    assert list(merge_candidates([])) == []
    assert list(merge_candidates([[], [empty(), empty()]])) == []


def test_a_pair_in_several_runs_is_given_once():
    merged = list(merge_candidates([[pairs((0.9, 1, 1))], [pairs((0.9, 1, 1)), pairs((0.8, 2, 2))]]))

    assert np.concatenate(merged).tolist() == pairs((0.9, 1, 1), (0.8, 2, 2)).tolist()


def test_a_record_with_itself_across_blocks_of_one_run_is_given_once():
    run = [pairs((0.9, 1, 1)), empty(), pairs((0.9, 1, 1)), pairs((0.9, 1, 1), (0.9, 1, 2))]

    merged = list(merge_candidates([run]))

    assert np.concatenate(merged).tolist() == pairs((0.9, 1, 1), (0.9, 1, 2)).tolist()


def test_a_tie_that_spans_blocks_is_ordered_by_record():
    first = [pairs((0.9, 1, 0), (0.9, 3, 0)), pairs((0.9, 5, 0))]
    second = [pairs((0.9, 2, 0)), pairs((0.9, 4, 0), (0.9, 6, 0))]

    merged = np.concatenate(list(merge_candidates([first, second])))

    assert merged["record_a"].tolist() == [1, 2, 3, 4, 5, 6]


def test_blocks_hold_no_more_pairs_than_asked():
    run = [pairs(*((0.9, record, 0) for record in range(10)))]

    assert [len(block) for block in merge_candidates([run], pairs_per_block=4)] == [4, 4, 2]


def test_at_most_one_block_of_a_run_is_read_ahead():
    blocks_read = 0

    def run():
        nonlocal blocks_read
        for record in range(100):
            blocks_read += 1
            yield pairs((1 - record / 1000, record, 0))

    merged = merge_candidates([run(), run()])
    next(merged)

    assert blocks_read <= 4
