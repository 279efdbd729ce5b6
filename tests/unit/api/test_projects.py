from __future__ import annotations

import pytest

from chalicelib.api.projects import encoding_size_of
from chalicelib.storage import projects, uploads
from tests.unit.factories import begun_upload, create_project

pytestmark = pytest.mark.usefixtures("service")

NEW = {"schema": {}, "result_type": "groups"}


def test_a_new_project_has_a_token_for_its_owner_and_one_for_each_party(api):
    answer = api.call("POST", "/projects", json={**NEW, "number_parties": 3})

    assert answer.status == 201
    assert len({answer.json["result_token"], *answer.json["update_tokens"]}) == 4


def test_a_project_is_described_to_its_owner_as_it_was_made(api):
    new = {"schema": {"clkConfig": {"l": 1024}}, "result_type": "similarity_scores", "name": "é", "extra": 1}
    made = api.call("POST", "/projects", json=new).json

    answer = api.call("GET", f"/projects/{made['project_id']}", made["result_token"])

    assert answer.json == {
        "project_id": made["project_id"],
        "parties_contributed": 0,
        "schema": {"clkConfig": {"l": 1024}},
        "result_type": "similarity_scores",
        "number_parties": 2,
        "name": "é",
        "notes": "",
        "uses_blocking": False,
        "error": False,
    }


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"schema": None}, "body.schema must be object"),
        ({"result_type": "mapping"},
         "body.result_type must be one of ['groups', 'similarity_scores', 'permutations', 'permutation']"),
        ({"number_parties": 1}, "body.number_parties must be bigger than or equal to 2"),
        ({"number_parties": 10**30}, "body.number_parties must be smaller than or equal to 1000"),
        ({"number_parties": "2"}, "body.number_parties must be integer"),
        ({"name": 5}, "body.name must be string"),
        ({"number_parties": 3, "result_type": "similarity_scores"},
         "Multi-party linkage requires result type 'groups'."),
        ({"number_parties": 3, "result_type": "permutations"},
         "Multi-party linkage requires result type 'groups'."),
        ({"notes": "\x00"}, "The request body holds a character that is no text (NUL or half a surrogate)"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_project_is_refused(api, change, detail):
    answer = api.call("POST", "/projects", json={**NEW, **change})

    assert (answer.status, answer.detail) == (400, detail)


def test_a_whole_number_may_be_written_with_a_point(api):
    assert api.call("POST", "/projects", json={**NEW, "number_parties": 2.0}).status == 201


@pytest.mark.parametrize(
    ("schema", "size"),
    [
        ({}, None), ({"clkConfig": {"l": 1024}}, 128), ({"clkConfig": {"l": 1000}}, 125),
        ({"clkConfig": {"l": 1023}}, None), ({"clkConfig": {"l": "1024"}}, None), ({"clkConfig": []}, None),
        ({"clkConfig": {"l": 0}}, None), ({"clkConfig": {"l": True}}, None),
        ({"clkConfig": {"l": 10**30}}, None),
    ],
)  # fmt: skip
def test_the_linkage_schema_fixes_the_encoding_size_where_it_can(schema, size):
    assert encoding_size_of(schema) == size


def test_a_deleted_project_is_gone_at_once_and_purged(api, started):
    project = create_project()
    path = f"/projects/{project.project_id}"

    assert api.call("DELETE", path, project.result_token).status == 204

    assert api.call("DELETE", path, project.result_token).status == 403
    assert api.call("GET", path, project.result_token).status == 403
    assert api.call("GET", "/projects").json == []
    assert started == [("purge_project", project.project_id, 1)]


def test_projects_are_listed_oldest_first(api):
    made = [create_project().project_id for _ in range(3)]

    assert [row["project_id"] for row in api.call("GET", "/projects").json] == made


def test_a_refused_upload_shows_as_error_with_its_reason(api):
    project = create_project()
    provider = projects.data_providers(project.project_id)[1]
    uploads.reject(begun_upload(provider).upload_id, "expected 128 bytes")

    answer = api.call("GET", f"/projects/{project.project_id}", project.result_token)

    assert answer.json["error"] is True
    assert answer.json["error_messages"] == [{"dataset_index": 1, "message": "expected 128 bytes"}]


@pytest.mark.parametrize("path", ["/projects/{p}", "/projects/{p}/runs", "/projects/{p}/runs/{r}/status"])
def test_a_missing_token_is_a_bad_request(api, path):
    answer = api.call("GET", path.format(p="0" * 48, r="0" * 48))

    assert (answer.status, answer.detail) == (400, "Missing header parameter 'Authorization'")


@pytest.mark.parametrize("token", ["0" * 48, "\x00", "ü", "\ud800", "x" * 10_000])
@pytest.mark.parametrize("project_id", [None, "0" * 48, "\x00", "\ud800", "'; drop table projects"])
def test_no_token_and_no_id_is_too_strange_to_be_refused(api, project_id, token):
    project_id = project_id or create_project().project_id

    answer = api.call("GET", f"/projects/{project_id}", token)

    assert (answer.status, answer.detail) == (403, "Invalid access token or project doesn't exist")


def test_status_counts_projects_and_is_kept_for_half_a_minute(api):
    create_project()
    first = api.call("GET", "/status")
    create_project()

    assert first.json == {"status": "ok", "project_count": 1, "rate": 1}
    assert api.call("GET", "/status").json == first.json
