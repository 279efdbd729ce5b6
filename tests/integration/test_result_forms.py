"""Results in other forms and estimates: the API calls functions, each with its own permissions."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import requests
from minio import Minio
from minio.error import S3Error

from chalicelib.linkage.candidates import from_bytes
from tests.integration.service import Project, admin_store
from tests.oracle import anonlink_scores
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(71, (60, 80))
THRESHOLD = 0.6


@pytest.fixture(scope="module")
def scores(linkage_service) -> tuple[Project, str]:
    return completed(linkage_service, "similarity_scores")


@pytest.fixture(scope="module")
def groups(linkage_service) -> tuple[Project, str]:
    return completed(linkage_service, "groups")


def completed(service, result_type: str) -> tuple[Project, str]:
    project = service.project_with(ROWS, result_type)
    run_id = service.post_run(project, THRESHOLD)
    assert service.wait_for(project, run_id)["state"] == "completed"
    return project, run_id


def get(service, run: tuple[Project, str], query: str = "", **options: Any) -> requests.Response:
    project, run_id = run
    path = f"{project.path}/runs/{run_id}/result{query}"
    answer = service.call("GET", path, project.result_token, **options)
    assert answer.status_code == 200, answer.text
    return answer


def test_scores_come_as_csv_to_the_bit(linkage_service, scores):
    answer = get(linkage_service, scores, "?format=csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = [
        [[int(row["dataset_a"]), int(row["record_a"])], [int(row["dataset_b"]), int(row["record_b"])],
         float(row["score"])]
        for row in csv.DictReader(io.StringIO(answer.text))
    ]  # fmt: skip
    assert rows == anonlink_scores(ROWS, THRESHOLD)


def test_pages_of_groups_with_their_scores_are_the_whole(linkage_service, groups):
    whole = get(linkage_service, groups).json()["groups"]
    project, _ = groups
    found, path = [], f"{project.path}/runs/{groups[1]}/result?limit=7&scores=true&format=json"
    while path:
        page = linkage_service.call("GET", path, project.result_token).json()
        assert [len(pairs) for pairs in page["scores"]] == [1] * len(page["groups"])
        found += page["groups"]
        path = page.get("next", "").removeprefix("/api/v1")

    assert found == whole


def test_a_large_view_lies_where_the_run_does_and_so_goes_with_it(linkage_service, stack):
    identical = [ROWS[0][:1].repeat(500, axis=0)] * 2
    project = linkage_service.project_with(identical, "similarity_scores")
    run_id = linkage_service.post_run(project, 1.0)
    linkage_service.wait_for(project, run_id)

    answer = get(linkage_service, (project, run_id), "?format=ndjson&redirect=false")

    body = requests.get(answer.json()["url"], timeout=60)
    assert body.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in body.text.splitlines()]
    assert len(lines) == 250_000
    assert lines[-1] == [[0, 499], [1, 499], 1.0]
    prefix = f"projects/{project.project_id}/runs/{run_id}/views/"
    store, bucket = admin_store(stack), stack.data_bucket
    assert store.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 1


def test_the_binary_form_is_anonlinks_serialisation(linkage_service, scores):
    url = get(linkage_service, scores, "?format=binary&redirect=false").json()["url"]

    answer = requests.get(url, timeout=60)

    assert answer.headers["Content-Type"] == "application/octet-stream"
    pairs = from_bytes(answer.content)
    assert [
        [[a, i], [b, j], score] for score, a, b, i, j in pairs.tolist()
    ] == anonlink_scores(ROWS, THRESHOLD)  # fmt: skip


def test_the_credentials_of_an_object_read_it_and_nothing_else(linkage_service, scores, groups):
    given = get(linkage_service, scores, headers={"RETURN-OBJECT-STORE-ADDRESS": "yes"}).json()
    place, keys = given["object"], given["credentials"]
    client = Minio(
        place["endpoint"],
        access_key=keys["AccessKeyId"],
        secret_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
        secure=place["secure"],
    )

    with client.get_object(place["bucket"], place["path"]) as answer:
        assert len(from_bytes(answer.read())) == len(anonlink_scores(ROWS, THRESHOLD))
    others = [
        place["path"].replace("merged.bin", "result.json"),
        f"projects/{groups[0].project_id}/runs/{groups[1]}/merged.bin",
    ]
    for key in others:
        with pytest.raises(S3Error) as refused:
            client.get_object(place["bucket"], key)
        assert refused.value.code == "AccessDenied"
    with pytest.raises(S3Error):
        client.put_object(place["bucket"], place["path"], io.BytesIO(b"1"), 1)
    with pytest.raises(S3Error):
        list(client.list_objects(place["bucket"]))


def test_an_estimate_of_a_small_project_is_what_a_run_finds(linkage_service, scores):
    project, _ = scores

    answer = linkage_service.call(
        "POST", f"{project.path}/estimate", project.result_token, json={"threshold": THRESHOLD}
    )

    assert answer.status_code == 200, answer.text
    found = next(each for each in answer.json()["candidate_pairs"] if each["threshold"] == THRESHOLD)
    assert found["low"] == found["pairs"] == found["high"] == len(anonlink_scores(ROWS, THRESHOLD))
    assert answer.json()["comparisons"] == 60 * 80


def test_an_estimate_says_whose_data_is_missing(linkage_service):
    project = linkage_service.create_project(number_parties=3)
    linkage_service.upload_binary(project, 1, ROWS[0])

    answer = linkage_service.call("POST", f"{project.path}/estimate", project.result_token, json={})

    assert answer.status_code == 400
    assert "data set 0" in answer.json()["detail"]
