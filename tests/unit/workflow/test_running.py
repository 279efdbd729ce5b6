from __future__ import annotations

import pytest

from chalicelib.errors import Ended, Gone
from chalicelib.storage import deleted_runs, layout, objects, runs
from chalicelib.workflow.running import undone_if_gone, unfinished
from tests.unit.factories import ready_project

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def run() -> runs.Run:
    project_id = ready_project()
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    runs.queue_ready(project_id)
    runs.begin(run.run_id, 25, 1)
    runs.record_merged(run.run_id, 0)
    return runs.find(run.run_id)


def write_late(run: runs.Run) -> None:
    key = layout.merged(run.project_id, run.run_id)
    with undone_if_gone(key):
        objects.put("data", key, b"pairs")
        runs.record_merged(run.run_id, 0)


def is_there(run: runs.Run) -> bool:
    return objects.exists("data", layout.merged(run.project_id, run.run_id))


def test_what_is_written_for_a_run_that_goes_on_stays(run):
    write_late(run)

    assert is_there(run)


def test_what_is_written_for_a_deleted_run_goes_again(run):
    deleted_runs.mark(run.run_id)

    with pytest.raises(Gone):
        write_late(run)

    assert not is_there(run)


def test_a_call_that_comes_after_the_completion_takes_nothing_away(run):
    runs.complete(run.run_id)

    with pytest.raises(Ended):
        write_late(run)

    assert is_there(run)


def test_a_run_that_has_ended_is_not_worked_for(run):
    runs.fail(run.run_id, "reason")

    with pytest.raises(Ended):
        unfinished({"run_id": run.run_id})
