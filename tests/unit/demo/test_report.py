"""The figures at the end of the demo."""

from __future__ import annotations

import pytest

from demo.report import (
    Quality,
    assess,
    comparisons_per_second,
    pairs_of_groups,
    pairs_of_result,
    pairs_of_scores,
    seconds_by_stage,
    true_pairs,
)

STAGE_TIMES = {
    "time_queued": "2026-01-02T03:04:05.000000",
    "time_started": "2026-01-02T03:04:05.250000",
    "time_compared": "2026-01-02T03:04:07.250000",
    "time_merged": "2026-01-02T03:04:07.500000",
    "time_completed": "2026-01-02T03:04:08.000000",
}


def test_the_three_measures_follow_from_the_counts():
    quality = Quality(expected=10, found=8, correct=6)

    assert (quality.wrong, quality.missed) == (2, 4)
    assert quality.precision == pytest.approx(6 / 8)
    assert quality.recall == pytest.approx(6 / 10)
    assert quality.f1 == pytest.approx(2 / (8 / 6 + 10 / 6))


def test_f1_is_zero_when_nothing_found_is_right():
    assert Quality(expected=3, found=2, correct=0).f1 == 0


@pytest.mark.parametrize("expected", [0, 5])
def test_no_match_found_divides_by_nothing(expected):
    quality = Quality(expected=expected, found=0, correct=0)

    assert quality.precision == 1
    assert quality.recall == (1 if expected == 0 else 0)
    assert quality.f1 == (1 if expected == 0 else 0)


def test_a_group_is_a_pair_whichever_data_set_comes_first():
    assert pairs_of_groups([[[0, 3], [1, 4]], [[1, 7], [0, 6]]]) == {(3, 4), (6, 7)}


def test_records_of_one_data_set_are_no_pair():
    assert pairs_of_groups([[[0, 3], [0, 5], [1, 4]]]) == {(3, 4), (5, 4)}


def test_scores_give_their_pairs():
    assert pairs_of_scores([[[0, 3], [1, 4], 0.9], [[1, 7], [0, 6], 0.8]]) == {(3, 4), (6, 7)}


@pytest.mark.parametrize(
    "result",
    [{"groups": [[[0, 1], [1, 2]]]}, {"similarity_scores": [[[0, 1], [1, 2], 0.8]]}],
    ids=["groups", "similarity_scores"],
)
def test_either_result_type_is_understood(result):
    assert pairs_of_result(result) == {(1, 2)}


def test_true_pairs_join_the_records_of_one_person():
    assert true_pairs([7, 8, 9], [9, 7, 7]) == {(0, 1), (0, 2), (2, 0)}


def test_assess_counts_what_was_found_against_what_is_true():
    assert assess({(0, 0), (1, 2)}, {(0, 0), (1, 1), (3, 3)}) == Quality(expected=3, found=2, correct=1)


def test_stages_take_the_time_between_them_and_those_that_were_not_are_left_out():
    assert seconds_by_stage(STAGE_TIMES) == {"plan": 0.25, "compare": 2, "merge": 0.25, "deliver": 0.5}


def test_speed_is_that_of_the_compare_stage():
    assert comparisons_per_second(1000, STAGE_TIMES) == 500
