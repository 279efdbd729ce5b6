"""Runs that another has compared for: they compare nothing, and their results are as if they had."""

from __future__ import annotations

import pytest

from chalicelib.errors import Gone, NothingToReuse
from chalicelib.storage import deleted_runs, layout, objects, runs
from chalicelib.workflow.link import link_small, reuse
from chalicelib.workflow.output import complete, solve
from chalicelib.workflow.plan import plan
from tests.oracle import anonlink_groups, as_sets
from tests.unit.workflow.test_link import prepared, result

pytestmark = pytest.mark.usefixtures("service")

LOW, HIGH = 0.75, 0.85


def compared(threshold: float = LOW, result_type: str = "groups"):
    """The data sets, and a run of them that has compared."""
    datasets, run = prepared((60, 70), result_type, threshold)
    plan({"run_id": run.run_id}, None)
    link_small({"run_id": run.run_id}, None)
    return datasets, run


def another(run: runs.Run, threshold: float) -> runs.Run:
    created = runs.create(run.project_id, threshold=threshold, name="", notes="")
    runs.queue_ready(run.project_id)
    return created


def reused(run: runs.Run, *states, times: int = 1) -> dict:
    planned = plan({"run_id": run.run_id}, None)
    assert (planned["is_small"], planned["is_compared"]) == (False, True)
    event = {"run_id": run.run_id, "source_run_id": planned["source_run_id"]}
    for state in (reuse, *states):
        for _ in range(times):
            state(event, None)
    complete(event, None)
    return result(run)


@pytest.mark.parametrize("threshold", [LOW, HIGH, 1.0])
@pytest.mark.parametrize("times", [1, 2])
def test_groups_are_those_of_a_run_from_scratch(threshold, times):
    datasets, first = compared()

    second = another(first, threshold)
    groups = reused(second, solve, times=times)["groups"]

    assert as_sets(groups) == anonlink_groups(datasets, threshold)
    assert runs.find(second.run_id).total_comparisons == 60 * 70


def test_scores_are_the_same_to_the_bit():
    _, first = compared(result_type="similarity_scores")
    _, scratch = prepared((60, 70), "similarity_scores", HIGH)
    plan({"run_id": scratch.run_id}, None)
    link_small({"run_id": scratch.run_id}, None)

    second = another(first, HIGH)
    reused(second)

    files = [objects.get("data", layout.merged(run.project_id, run.run_id)) for run in (scratch, second)]
    assert files[0] == files[1]
    assert result(second) == result(scratch)


def test_a_lower_threshold_is_compared():
    _, first = compared(HIGH)

    planned = plan({"run_id": another(first, LOW).run_id}, None)

    assert (planned["is_small"], planned["is_compared"], planned["source_run_id"]) == (True, False, "")


def test_permutations_are_compared_each_time_since_they_keep_no_pairs():
    _, first = compared(result_type="permutations")

    assert plan({"run_id": another(first, HIGH).run_id}, None)["is_compared"] is False


def test_of_several_runs_the_one_with_the_fewest_pairs_serves():
    _, first = compared(0.5)
    nearest = another(first, 0.8)
    reused(nearest, solve)

    assert plan({"run_id": another(first, HIGH).run_id}, None)["source_run_id"] == nearest.run_id


def test_a_deleted_run_serves_nobody():
    _, first = compared()
    deleted_runs.mark(first.run_id)

    assert plan({"run_id": another(first, HIGH).run_id}, None)["is_compared"] is False


def test_a_source_that_goes_between_plan_and_reuse_makes_the_run_compare():
    datasets, first = compared()
    second = another(first, HIGH)
    source = plan({"run_id": second.run_id}, None)["source_run_id"]
    objects.delete_prefix("data", layout.run_prefix(first.project_id, first.run_id))

    with pytest.raises(NothingToReuse):
        reuse({"run_id": second.run_id, "source_run_id": source}, None)
    planned = plan({"run_id": second.run_id, "source_run_id": source, "anew": {"Error": "…"}}, None)
    link_small({"run_id": second.run_id}, None)

    assert planned["is_compared"] is False
    assert as_sets(result(second)["groups"]) == anonlink_groups(datasets, HIGH)


def test_deleting_either_run_leaves_the_other_whole():
    _, first = compared()
    second = another(first, HIGH)
    groups = reused(second, solve)

    objects.delete_prefix("data", layout.run_prefix(first.project_id, first.run_id))

    assert result(second) == groups
    third = another(first, 0.9)
    deleted_runs.mark(first.run_id)
    assert reused(third, solve)["groups"]


def test_a_run_that_is_deleted_while_it_reuses_leaves_nothing():
    _, first = compared()
    second = another(first, HIGH)
    source = plan({"run_id": second.run_id}, None)["source_run_id"]
    deleted_runs.mark(second.run_id)

    with pytest.raises(Gone):
        reuse({"run_id": second.run_id, "source_run_id": source}, None)

    assert list(objects.list_keys("data", layout.run_prefix(first.project_id, second.run_id))) == []


def test_the_rate_of_the_service_is_that_of_comparing():
    _, first = compared()
    before = runs.latest_rate()
    reused(another(first, HIGH), solve)

    assert runs.latest_rate() == before
