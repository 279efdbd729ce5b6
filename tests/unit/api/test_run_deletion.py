from __future__ import annotations

import pytest

from chalicelib.errors import Gone
from chalicelib.storage import projects, runs, uploads
from tests.unit.factories import begun_upload, create_project, ready_project

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def project() -> projects.NewProject:
    """A project whose data is ready."""
    project = create_project()
    for provider in projects.data_providers(project.project_id):
        uploads.accept(begun_upload(provider).upload_id, 5, 128)
    return project


@pytest.fixture
def run_ids(project) -> list[str]:
    """Its two runs, queued."""
    for _ in range(2):
        runs.create(project.project_id, threshold=0.9, name="", notes="")
    return [run.run_id for run in runs.queue_ready(project.project_id)]


def test_a_deleted_run_is_found_by_nobody_and_its_purge_begins(api, project, run_ids, started):
    path = f"/projects/{project.project_id}/runs"

    answer = api.call("DELETE", f"{path}/{run_ids[0]}", project.result_token)

    assert (answer.status, answer.text) == (204, "")
    assert started == [("purge_run", run_ids[0], 1)]
    for suffix in ("", "/status", "/result"):
        assert api.call("GET", f"{path}/{run_ids[0]}{suffix}", project.result_token).status == 403
    assert [run["run_id"] for run in api.call("GET", path, project.result_token).json] == [run_ids[1]]


def test_a_second_time_there_is_nothing_to_delete(api, project, run_ids, started):
    path = f"/projects/{project.project_id}/runs/{run_ids[0]}"
    api.call("DELETE", path, project.result_token)

    assert api.call("DELETE", path, project.result_token).status == 403
    assert len(started) == 1


def test_the_project_and_its_other_runs_stay(api, project, run_ids):
    path = f"/projects/{project.project_id}"
    api.call("DELETE", f"{path}/runs/{run_ids[0]}", project.result_token)

    assert api.call("GET", path, project.result_token).json["parties_contributed"] == 2
    assert api.call("GET", f"{path}/runs/{run_ids[1]}/status", project.result_token).status == 200
    assert api.call("POST", f"{path}/runs", project.result_token, json={"threshold": 0.5}).status == 201


def test_nobody_but_the_owner_deletes_a_run(api, project, run_ids):
    path = f"/projects/{project.project_id}/runs/{run_ids[0]}"

    assert api.call("DELETE", path).status == 400
    for token in (*project.update_tokens, create_project().result_token):
        assert api.call("DELETE", path, token).status == 403
    other = f"/projects/{ready_project()}/runs/{run_ids[0]}"
    assert api.call("DELETE", other, project.result_token).status == 403
    assert runs.find(run_ids[0])


def test_no_state_records_anything_for_a_deleted_run(api, project, run_ids):
    api.call("DELETE", f"/projects/{project.project_id}/runs/{run_ids[0]}", project.result_token)

    for record in (
        lambda: runs.begin(run_ids[0], 25, 1),
        lambda: runs.record_compared(run_ids[0]),
        lambda: runs.record_permuted(run_ids[0]),
        lambda: runs.complete(run_ids[0]),
    ):
        with pytest.raises(Gone):
            record()
    assert run_ids[0] not in {run.run_id for run in runs.unfinished()}
    assert run_ids[0] not in {run.run_id for run in runs.queue_ready(project.project_id)}
    assert not runs.next_attempt(run_ids[0], 1)


def test_a_run_deleted_before_the_data_never_starts(api):
    project = create_project()
    run = runs.create(project.project_id, threshold=0.9, name="", notes="")
    api.call("DELETE", f"/projects/{project.project_id}/runs/{run.run_id}", project.result_token)
    for provider in projects.data_providers(project.project_id):
        uploads.accept(begun_upload(provider).upload_id, 5, 128)

    assert runs.waiting_projects() == []
    assert runs.queue_ready(project.project_id) == []
