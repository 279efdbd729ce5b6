from __future__ import annotations

import pytest

from chalicelib.errors import Gone
from chalicelib.storage import projects, runs
from tests.unit.factories import new_project, ready_project

pytestmark = pytest.mark.usefixtures("database")


def test_a_run_waits_until_every_data_set_is_ready():
    project_id, _ = new_project()
    created(project_id)

    assert runs.queue_ready(project_id) == []
    assert runs.waiting_projects() == []


def test_a_run_is_queued_when_the_data_is_there():
    project_id = ready_project()
    run = created(project_id)

    assert project_id in runs.waiting_projects()
    assert [queued.run_id for queued in runs.queue_ready(project_id)] == [run.run_id]
    assert runs.find(run.run_id).state == "queued"


def test_a_run_cannot_begin_before_it_is_queued():
    run = created(ready_project())

    with pytest.raises(Gone):
        runs.begin(run.run_id, 25, 1)


def test_a_completed_run_cannot_fail_any_more():
    run = completed(ready_project())

    assert not runs.fail(run.run_id, "too late")
    assert runs.find(run.run_id).state == "completed"


def test_a_failed_run_cannot_be_completed():
    run = begun(ready_project())
    runs.fail(run.run_id, "reason")

    with pytest.raises(Gone):
        runs.complete(run.run_id)

    assert runs.find(run.run_id).message == "reason"


def test_a_run_that_was_done_whole_is_told_what_and_when_all_at_once():
    run = begun(ready_project())

    for seconds in (3.0, 1.0):  # and a retry changes nothing
        ago = {"time_compared": seconds, "time_merged": seconds - 1}
        runs.complete(run.run_id, gb_seconds=0.5, requests=1, candidate_pairs=7, seconds_ago=ago)

    ended = runs.find(run.run_id)
    assert (ended.state, ended.candidate_pairs, ended.gb_seconds, ended.requests) == ("completed", 7, 1, 2)
    assert (ended.time_completed - ended.time_compared).total_seconds() == 3
    assert (ended.time_completed - ended.time_merged).total_seconds() == 2
    assert ended.time_solved is None


def test_a_retried_stage_keeps_its_first_time():
    run = begun(ready_project())
    runs.record_compared(run.run_id)
    first = runs.find(run.run_id).time_compared

    runs.record_compared(run.run_id)

    assert runs.find(run.run_id).time_compared == first


def test_no_stage_is_recorded_for_a_deleted_project():
    project_id = ready_project()
    run = begun(project_id)
    projects.mark_deleted(project_id)

    for record in (
        lambda: runs.record_compared(run.run_id),
        lambda: runs.record_merged(run.run_id, 1),
        lambda: runs.record_solved(run.run_id),
        lambda: runs.complete(run.run_id),
    ):
        with pytest.raises(Gone):
            record()


def test_no_run_is_created_in_a_deleted_project():
    project_id = ready_project()
    projects.mark_deleted(project_id)

    with pytest.raises(Gone):
        created(project_id)


def test_the_rate_is_that_of_the_latest_completed_run():
    completed(ready_project())

    rate = runs.latest_rate()

    assert rate is not None
    assert rate > 0


def created(project_id: str) -> runs.Run:
    return runs.create(project_id, threshold=0.8, name="", notes="")


def begun(project_id: str) -> runs.Run:
    run = created(project_id)
    runs.queue_ready(project_id)
    runs.begin(run.run_id, 25, 1)
    return run


def completed(project_id: str) -> runs.Run:
    run = begun(project_id)
    runs.record_compared(run.run_id)
    runs.record_merged(run.run_id, 3)
    runs.complete(run.run_id)
    return run
