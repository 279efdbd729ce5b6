from __future__ import annotations

import pytest

from chalicelib.storage import deleted_runs, projects, runs, uploads
from chalicelib.workflow.reconcile import reconcile, reconcile_run
from tests.unit.factories import begun_upload, new_project, ready_project

pytestmark = pytest.mark.usefixtures("service")


def queued_run() -> runs.Run:
    project_id = ready_project()
    runs.create(project_id, threshold=0.5, name="", notes="")
    return runs.queue_ready(project_id)[0]


def test_a_run_whose_execution_never_started_is_started_under_its_own_name(started, fates):
    run = queued_run()
    fates["missing"] = True

    reconcile_run(run)

    assert started == [("link", run.run_id, 1)]


def test_a_run_whose_execution_ended_without_a_result_gets_the_next_attempt(started, fates):
    run = queued_run()
    fates["ended"] = True

    reconcile_run(run)
    reconcile_run(run)  # another reconciler that read the row before

    assert started == [("link", run.run_id, 2)]


def test_a_run_ends_in_error_when_its_attempts_are_used_up(started, fates):
    run = queued_run()
    fates["ended"] = True

    for _ in range(3):
        reconcile_run(runs.find(run.run_id))

    assert runs.find(run.run_id).state == "error"
    assert [attempt for _, _, attempt in started] == [2, 3]


def test_a_running_execution_is_left_alone(started, fates):
    run = queued_run()
    fates["running"] = True

    reconcile_run(run)

    assert started == []
    assert runs.find(run.run_id).state == "queued"


def test_a_run_that_ended_since_it_was_read_is_left_alone(started, fates):
    run = queued_run()
    runs.fail(run.run_id, "its own reason")
    fates["ended"] = True

    reconcile_run(run)

    assert started == []
    assert runs.find(run.run_id).message == "its own reason"


def test_all_work_without_an_execution_is_taken_up(started, fates):
    waiting = ready_project()
    waiting_run = runs.create(waiting, threshold=0.5, name="", notes="")
    _, (provider, _) = new_project()
    upload = begun_upload(provider)
    deleted = ready_project()
    projects.mark_deleted(deleted)
    deleted_run = queued_run()
    deleted_runs.mark(deleted_run.run_id)
    fates["missing"] = True

    reconcile({}, None)

    assert {
        ("link", waiting_run.run_id, 1),
        ("ingest", upload.upload_id, 1),
        ("purge_project", deleted, 1),
        ("purge_run", deleted_run.run_id, 1),
    } == set(started)


def test_an_upload_is_rejected_when_its_attempts_are_used_up(fates):
    project_id, (provider, _) = new_project()
    upload = begun_upload(provider)
    fates["ended"] = True

    for _ in range(3):
        reconcile({}, None)

    assert uploads.find(upload.upload_id).state == "error"
    assert "3 times" in projects.data_providers(project_id)[0].error


def test_the_purge_of_a_run_is_never_given_up(started, fates):
    run = queued_run()
    deleted_runs.mark(run.run_id)
    fates["ended"] = True

    for _ in range(5):
        reconcile({}, None)

    assert started == [("purge_run", run.run_id, attempt) for attempt in (2, 3, 4, 5, 6)]


def test_the_runs_of_a_deleted_project_are_left_to_its_own_purge(started, fates):
    run = queued_run()
    deleted_runs.mark(run.run_id)
    projects.mark_deleted(run.project_id)
    fates["missing"] = True

    reconcile({}, None)

    assert started == [("purge_project", run.project_id, 1)]
