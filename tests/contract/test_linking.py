"""Linking through the doors that clients take, held against anonlink's own pipeline."""

from __future__ import annotations

import numpy as np
import pytest
import requests

from tests.oracle import anonlink_groups, anonlink_scores, as_sets
from tests.unit.factories import linked_encodings

THRESHOLD = 0.85
ROUTES = ["upload_binary", "upload_json", "upload_directly"]


@pytest.mark.parametrize("route_b", ROUTES)
@pytest.mark.parametrize("route_a", ROUTES)
def test_groups_are_anonlinks_by_every_mix_of_upload_routes(linkage_service, route_a, route_b):
    datasets = linked_encodings(1, (120, 150))
    project = linkage_service.create_project("groups")

    assert getattr(linkage_service, route_a)(project, 0, datasets[0]).status_code == 201
    assert getattr(linkage_service, route_b)(project, 1, datasets[1]).status_code == 201

    groups = linkage_service.link(project, THRESHOLD)["groups"]
    assert as_sets(groups) == anonlink_groups(datasets, THRESHOLD)


@pytest.mark.parametrize("size", [8, 64, 128, 512])
def test_similarity_scores_are_anonlinks_to_the_bit_at_every_encoding_size(linkage_service, size):
    datasets = linked_encodings(2, (100, 90), size)
    project = linkage_service.project_with(datasets, "similarity_scores")

    scores = linkage_service.link(project, THRESHOLD)["similarity_scores"]

    assert scores == anonlink_scores(datasets, THRESHOLD)


def test_a_run_cut_into_chunks_gives_anonlinks_groups(linkage_service):
    datasets = linked_encodings(3, (5000, 6000))
    project = linkage_service.project_with(datasets)

    run_id = linkage_service.post_run(project, THRESHOLD)
    status = linkage_service.wait_for(project, run_id)

    assert status["total_number_comparisons"] == 30_000_000
    groups = linkage_service.result(project, run_id)["groups"]
    assert as_sets(groups) == anonlink_groups(datasets, THRESHOLD)


def test_a_run_cut_into_chunks_gives_anonlinks_scores(linkage_service):
    datasets = linked_encodings(4, (5000, 6000))
    project = linkage_service.project_with(datasets, "similarity_scores")

    scores = linkage_service.link(project, THRESHOLD)["similarity_scores"]

    assert scores == anonlink_scores(datasets, THRESHOLD)


def test_three_parties_are_linked_as_anonlink_does(linkage_service):
    datasets = linked_encodings(5, (80, 90, 100))
    project = linkage_service.project_with(datasets)

    groups = linkage_service.link(project, THRESHOLD)["groups"]

    assert as_sets(groups) == anonlink_groups(datasets, THRESHOLD)


def test_a_run_posted_before_the_data_starts_when_the_last_party_is_ready(linkage_service):
    datasets = linked_encodings(6, (50, 60))
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, THRESHOLD)
    assert linkage_service.status(project, run_id)["state"] == "created"

    for party, rows in enumerate(datasets):
        linkage_service.upload_binary(project, party, rows)

    assert linkage_service.wait_for(project, run_id)["state"] == "completed"
    groups = linkage_service.result(project, run_id)["groups"]
    assert as_sets(groups) == anonlink_groups(datasets, THRESHOLD)


def test_several_runs_of_one_project_keep_to_their_thresholds(linkage_service):
    datasets = linked_encodings(7, (60, 60))
    project = linkage_service.project_with(datasets)

    for threshold in (0.7, 0.95, 1.0):
        groups = linkage_service.link(project, threshold)["groups"]
        assert as_sets(groups) == anonlink_groups(datasets, threshold)


def test_a_json_file_put_straight_into_the_store_is_the_same_data(linkage_service):
    datasets = linked_encodings(8, (40, 50))
    project = linkage_service.create_project()
    linkage_service.upload_directly(project, 0, datasets[0], "json")
    linkage_service.upload_directly(project, 1, datasets[1])

    groups = linkage_service.link(project, THRESHOLD)["groups"]

    assert as_sets(groups) == anonlink_groups(datasets, THRESHOLD)


def test_a_large_file_goes_up_in_parts_and_a_broken_upload_is_resumed(linkage_service):
    few, many = linked_encodings(9, (20, 10))[0], 600_000
    rows = np.vstack([few, np.random.default_rng(9).integers(0, 256, (many - 20, 128), dtype=np.uint8)])
    content = rows.tobytes()
    project = linkage_service.create_project()
    token = project.update_tokens[0]
    body = {"format": "binary", "bytes": len(content), "count": many, "encoding_size": 128}
    upload = linkage_service.call("POST", f"{project.path}/uploads", token, json=body).json()
    assert [part["number"] for part in upload["parts"]] == [1, 2]

    first, second = upload["parts"]
    put(second, content[upload["part_size"] :])
    refused = linkage_service.complete_upload(project, 0, upload["upload_id"])
    resumed = linkage_service.call("GET", f"{project.path}/uploads/{upload['upload_id']}", token).json()
    put(resumed["missing"][0], content[: first["bytes"]])

    assert refused.status_code == 400
    assert [part["number"] for part in resumed["missing"]] == [1]
    assert linkage_service.complete_upload(project, 0, upload["upload_id"]).status_code == 201
    linkage_service.upload_binary(project, 1, few)
    groups = linkage_service.link(project, 1.0)["groups"]
    assert as_sets(groups) == {frozenset({(0, record), (1, record)}) for record in range(20)}


def test_a_part_of_another_size_than_declared_is_refused_by_the_store(linkage_service):
    project = linkage_service.create_project()
    body = {"format": "binary", "bytes": 128, "count": 1, "encoding_size": 128}
    upload = linkage_service.call(
        "POST", f"{project.path}/uploads", project.update_tokens[0], json=body
    ).json()
    (part,) = upload["parts"]

    answer = requests.put(part["url"], data=bytes(129), timeout=60)

    assert answer.status_code == 403


def put(part: dict, content: bytes) -> None:
    answer = requests.put(part["url"], headers=part["headers"], data=content, timeout=120)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("threshold", [THRESHOLD, 0.95])
def test_a_second_run_at_no_lower_a_threshold_is_as_one_from_scratch(linkage_service, threshold):
    datasets = linked_encodings(9, (3000, 3000))
    project = linkage_service.project_with(datasets, "similarity_scores")
    first = linkage_service.post_run(project, THRESHOLD)
    assert linkage_service.wait_for(project, first)["state"] == "completed"

    second = linkage_service.post_run(project, threshold)
    status = linkage_service.wait_for(project, second)
    path = f"{project.path}/runs/{first}"
    assert linkage_service.call("DELETE", path, project.result_token).status_code == 204

    assert (status["state"], status["total_number_comparisons"]) == ("completed", 9_000_000)
    scores = linkage_service.result(project, second)["similarity_scores"]
    assert scores == anonlink_scores(datasets, threshold)
