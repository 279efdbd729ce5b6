"""Runs: what is asked for, listed, described and deleted."""

from __future__ import annotations

import pytest

from tests.contract.service import ACCESS_DENIED, FORMATS, wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(56, (40, 45))


@pytest.fixture
def project(linkage_service):
    return linkage_service.project_with(ROWS)


def test_a_run_is_described_as_it_was_asked_for(linkage_service):
    project = linkage_service.create_project()
    body = {"threshold": 0.95, "name": "first", "notes": "naïve 😀", "colour": "unknown"}
    made = linkage_service.call("POST", f"{project.path}/runs", project.result_token, json=body)
    url = f"{project.path}/runs/{made.json()['run_id']}"
    read = linkage_service.call("GET", url, project.result_token)

    assert (made.status_code, read.status_code) == (201, 200)
    assert made.json() == read.json()
    assert made.json().keys() == {"run_id", "threshold", "name", "notes"}
    assert (made.json()["threshold"], made.json()["name"], made.json()["notes"]) == (
        0.95,
        "first",
        "naïve 😀",
    )
    assert FORMATS["id"].fullmatch(made.json()["run_id"])


def test_name_and_notes_are_empty_unless_given(linkage_service):
    project = linkage_service.create_project()
    made = linkage_service.call(
        "POST", f"{project.path}/runs", project.result_token, json={"threshold": 1}
    ).json()

    assert (made["name"], made["notes"], made["threshold"]) == ("", "", 1)


def test_a_run_before_the_data_is_listed_as_created_and_starts_with_the_last_upload(linkage_service):
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, 0.85)

    (listed,) = linkage_service.call("GET", f"{project.path}/runs", project.result_token).json()
    assert listed.keys() == {"run_id", "time_added", "state"}
    assert (listed["run_id"], listed["state"]) == (run_id, "created")
    assert FORMATS["time"].fullmatch(listed["time_added"])
    for party, rows in enumerate(ROWS):
        assert linkage_service.status(project, run_id)["state"] == "created"
        linkage_service.upload_binary(project, party, rows)
    assert linkage_service.wait_for(project, run_id)["state"] == "completed"


def test_runs_are_listed_in_their_order_with_their_states(linkage_service, project):
    ids = [linkage_service.post_run(project, threshold) for threshold in (0.8, 0.9)]
    for run_id in ids:
        linkage_service.wait_for(project, run_id)

    listed = linkage_service.call("GET", f"{project.path}/runs", project.result_token).json()

    assert [run["run_id"] for run in listed] == ids
    assert {run["state"] for run in listed} == {"completed"}


def test_a_project_whose_upload_is_in_error_refuses_runs_with_the_reason(linkage_service):
    project = linkage_service.create_project()
    linkage_service.upload_json(project, 0, ROWS[0][:, :20])
    wait_until(lambda: linkage_service.describe(project)["error"])

    body = {"threshold": 0.9}
    answer = linkage_service.call("POST", f"{project.path}/runs", project.result_token, json=body)

    assert answer.status_code == 400
    assert linkage_service.describe(project)["error_messages"][0]["message"] in answer.json()["detail"]


def test_a_deleted_run_is_gone_and_its_project_is_not(linkage_service, project):
    run_id, other = linkage_service.post_run(project, 0.85), linkage_service.post_run(project, 0.9)
    linkage_service.wait_for(project, run_id)
    path = f"{project.path}/runs/{run_id}"

    first = linkage_service.call("DELETE", path, project.result_token)
    assert (first.status_code, first.content) == (204, b"")
    for method, url in (
        ("DELETE", path),
        ("GET", path),
        ("GET", f"{path}/status"),
        ("GET", f"{path}/result"),
    ):
        answer = linkage_service.call(method, url, project.result_token)
        assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)
    listed = linkage_service.call("GET", f"{project.path}/runs", project.result_token).json()
    assert [run["run_id"] for run in listed] == [other]
    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


def test_a_run_deleted_before_the_data_never_starts(linkage_service):
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, 0.85)
    linkage_service.call("DELETE", f"{project.path}/runs/{run_id}", project.result_token)
    for party, rows in enumerate(ROWS):
        linkage_service.upload_binary(project, party, rows)

    linkage_service.link(project, 0.85)

    assert len(linkage_service.call("GET", f"{project.path}/runs", project.result_token).json()) == 1
