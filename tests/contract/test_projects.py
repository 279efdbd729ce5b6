"""Projects: what they are made from, what they tell, and to whom."""

from __future__ import annotations

import re

import pytest

from tests.contract.service import FORMATS, wait_until
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(51, (20, 20))


def test_ids_and_tokens_are_48_hexadecimal_characters_and_all_different(linkage_service):
    project = linkage_service.create_project(number_parties=5)

    given = [project.project_id, project.result_token, *project.update_tokens]
    assert len(set(given)) == 7
    assert all(FORMATS["id"].fullmatch(value) for value in given)


def test_a_new_project_is_described_with_its_defaults(linkage_service):
    description = linkage_service.describe(linkage_service.create_project())

    project_id = description.pop("project_id")
    assert FORMATS["id"].fullmatch(project_id)
    assert description == {
        "parties_contributed": 0,
        "schema": {},
        "result_type": "groups",
        "number_parties": 2,
        "name": "",
        "notes": "",
        "uses_blocking": False,
        "error": False,
    }


def test_what_was_asked_for_is_described_as_it_was_given(linkage_service):
    given = {
        "schema": {"clkConfig": {"l": 1024}, "features": ["naïve", {"weight": 1.5}, None]},
        "name": "Kohortenstudie 😀",
        "notes": "line\nbreak",
        "number_parties": 3,
        "uses_blocking": True,
    }
    project = linkage_service.create_project("groups", **given)

    assert given.items() <= linkage_service.describe(project).items()


def test_unknown_keys_are_accepted(linkage_service):
    assert linkage_service.create_project(colour="blue", public=True).update_tokens


@pytest.mark.parametrize("result_type", ["groups", "similarity_scores", "permutations"])
def test_every_result_type_of_two_parties_is_offered(linkage_service, result_type):
    assert linkage_service.describe(linkage_service.create_project(result_type))["result_type"] == result_type


@pytest.mark.parametrize("result_type", ["similarity_scores", "permutations"])
def test_more_than_two_parties_need_groups(linkage_service, result_type):
    body = {"schema": {}, "result_type": result_type, "number_parties": 3}
    answer = linkage_service.call("POST", "/projects", json=body)

    assert answer.status_code == 400
    assert answer.json()["detail"] == "Multi-party linkage requires result type 'groups'."


@pytest.mark.parametrize(
    "change",
    [
        {"schema": None}, {"schema": "x"}, {"schema": []}, {"result_type": None}, {"result_type": "mapping"},
        {"result_type": ["groups"]}, {"number_parties": 1}, {"number_parties": 0}, {"number_parties": -2},
        {"number_parties": 2.5}, {"number_parties": "2"}, {"number_parties": True}, {"number_parties": 1e300},
        {"number_parties": 10**30}, {"name": 7}, {"notes": {}}, {"uses_blocking": "yes"},
        {"uses_blocking": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_project_of_a_wrong_shape_is_refused(linkage_service, change):
    body = {"schema": {}, "result_type": "groups"} | change
    answer = linkage_service.call("POST", "/projects", json=body)

    assert answer.status_code == 400
    assert next(iter(change)) in answer.json()["detail"]


@pytest.mark.parametrize("missing", ["schema", "result_type"])
def test_schema_and_result_type_are_required(linkage_service, missing):
    body = {"schema": {}, "result_type": "groups"}
    del body[missing]
    answer = linkage_service.call("POST", "/projects", json=body)

    assert answer.status_code == 400
    assert missing in answer.json()["detail"]


def test_the_list_has_a_project_until_it_is_deleted(linkage_service):
    project, other = linkage_service.create_project(), linkage_service.create_project()

    before = linkage_service.call("GET", "/projects").json()
    linkage_service.call("DELETE", project.path, project.result_token)
    after = linkage_service.call("GET", "/projects").json()

    (listed,) = [entry for entry in before if entry["project_id"] == project.project_id]
    assert listed.keys() == {"project_id", "time_added"}
    assert FORMATS["time"].fullmatch(listed["time_added"])
    ids = {entry["project_id"] for entry in after}
    assert project.project_id not in ids
    assert other.project_id in ids


def test_a_contribution_counts_by_the_time_its_post_returns(linkage_service):
    project = linkage_service.create_project()
    for party, rows in enumerate(ROWS):
        linkage_service.upload_binary(project, party, rows)
        assert linkage_service.describe(project)["parties_contributed"] == party + 1


def test_a_refused_upload_shows_with_its_reason_until_the_party_has_uploaded_again(linkage_service):
    project = linkage_service.create_project()
    linkage_service.upload_json(project, 0, ROWS[0][:, :20])
    wait_until(lambda: linkage_service.describe(project)["error"])

    (refusal,) = linkage_service.describe(project)["error_messages"]
    assert refusal["dataset_index"] == 0
    assert re.search("multiple of 8", refusal["message"])
    linkage_service.upload_json(project, 0, ROWS[0])
    wait_until(lambda: not linkage_service.describe(project)["error"])
