"""What can go wrong with an upload, and that the next try works."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from tests.integration.service import as_text, put_parts, wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(11, (40, 40))


def test_of_many_uploads_at_once_with_one_token_exactly_one_wins(linkage_service):
    project = linkage_service.create_project()

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: linkage_service.upload_binary(project, 0, ROWS[0]), range(12)))

    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 11
    assert linkage_service.describe(project)["parties_contributed"] == 1


def test_a_token_serves_once(linkage_service):
    project = linkage_service.create_project()
    linkage_service.upload_binary(project, 0, ROWS[0])

    answer = linkage_service.upload_json(project, 0, ROWS[0])

    assert answer.status_code == 403
    assert answer.json()["detail"] == "This token has already been used to upload clks."


@pytest.mark.parametrize(
    ("count", "size", "body"),
    [(41, 128, None), (40, 127, None), (0, 128, None), (40, 128, b""), (40, 4096, None), ("x", 128, None)],
    ids=["count", "size", "no count", "empty body", "size out of bounds", "count not a number"],
)
def test_a_binary_upload_that_lies_is_refused_and_the_next_try_works(linkage_service, count, size, body):
    project = linkage_service.create_project()
    headers = {"Content-Type": "application/octet-stream", "Hash-Count": str(count), "Hash-Size": str(size)}
    content = ROWS[0].tobytes() if body is None else body

    answer = linkage_service.call(
        "POST", f"{project.path}/binaryclks", project.update_tokens[0], data=content, headers=headers
    )

    assert answer.status_code == 400, answer.text
    assert linkage_service.describe(project)["parties_contributed"] == 0
    assert linkage_service.upload_binary(project, 0, ROWS[0]).status_code == 201


@pytest.mark.parametrize(
    ("lengths", "reason"),
    [((128, 64), "record 1"), ((20, 20), "multiple of 8"), ((4096,), "out of configured bounds")],
    ids=["different lengths", "not a multiple of 8", "too long"],
)
def test_encodings_of_wrong_length_are_accepted_at_first_and_show_as_error(linkage_service, lengths, reason):
    project = linkage_service.create_project()
    wrong = {"clks": [as_text(np.zeros((1, length), np.uint8))[0] for length in lengths]}

    answer = linkage_service.call("POST", f"{project.path}/clks", project.update_tokens[0], json=wrong)
    assert answer.status_code == 201

    wait_until(lambda: linkage_service.describe(project)["error"])
    assert reason in str(linkage_service.describe(project)["error_messages"])
    refused = linkage_service.call(
        "POST", f"{project.path}/runs", project.result_token, json={"threshold": 0.9}
    )
    assert refused.status_code == 400


def test_after_a_refused_upload_the_party_tries_again_and_the_run_completes(linkage_service):
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, 0.85)
    linkage_service.upload_json(project, 0, np.zeros((3, 20), np.uint8))
    linkage_service.upload_binary(project, 1, ROWS[1])
    wait_until(lambda: linkage_service.describe(project)["error"])

    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201

    assert linkage_service.wait_for(project, run_id)["state"] == "completed"
    assert not linkage_service.describe(project)["error"]
    groups = linkage_service.result(project, run_id)["groups"]
    assert as_sets(groups) == anonlink_groups(ROWS, 0.85)


def test_text_that_is_not_base64_is_refused_at_once_by_its_row_and_not_shown(linkage_service):
    project = linkage_service.create_project()
    body = {"clks": [*as_text(ROWS[0][:3]), "!secret!"]}

    answer = linkage_service.call("POST", f"{project.path}/clks", project.update_tokens[0], json=body)

    assert answer.status_code == 400
    assert "3" in answer.json()["detail"]
    assert "secret" not in answer.text
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


def test_a_file_that_is_shorter_than_declared_cannot_be_completed(linkage_service):
    project = linkage_service.create_project()
    body = {"format": "binary", "bytes": 5120, "count": 40, "encoding_size": 128}
    token = project.update_tokens[0]
    upload = linkage_service.call("POST", f"{project.path}/uploads", token, json=body).json()

    assert linkage_service.complete_upload(project, 0, upload["upload_id"]).status_code == 400
    assert (
        linkage_service.call("DELETE", f"{project.path}/uploads/{upload['upload_id']}", token).status_code
        == 204
    )
    assert linkage_service.upload_binary(project, 0, ROWS[0]).status_code == 201


def test_completing_twice_is_harmless(linkage_service):
    project = linkage_service.create_project()
    body = {"format": "binary", "bytes": ROWS[0].nbytes, "count": 40, "encoding_size": 128}
    token = project.update_tokens[0]
    upload = linkage_service.call("POST", f"{project.path}/uploads", token, json=body).json()
    put_parts(upload["parts"], ROWS[0].tobytes(), upload.get("part_size"))

    first = linkage_service.complete_upload(project, 0, upload["upload_id"])
    second = linkage_service.complete_upload(project, 0, upload["upload_id"])

    assert (first.status_code, second.status_code) == (201, 201)
    linkage_service.upload_binary(project, 1, ROWS[1])
    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


def test_a_project_that_uses_blocking_refuses_raw_bytes_and_the_next_try_works(linkage_service):
    project = linkage_service.create_project(uses_blocking=True)
    path, token = f"{project.path}/clks", project.update_tokens[0]

    answers = [
        linkage_service.upload_binary(project, 0, ROWS[0]),
        linkage_service.upload_json(project, 0, ROWS[0]),
    ]

    for answer in answers:
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("Expecting blocking information")
    body = {"clknblocks": [[row, "everywhere"] for row in as_text(ROWS[0])]}
    assert linkage_service.call("POST", path, token, json=body).status_code == 201


def test_a_file_of_blocks_is_asked_for_before_an_upload_is_complete(linkage_service):
    project = linkage_service.create_project(uses_blocking=True)
    path, token = f"{project.path}/uploads", project.update_tokens[0]
    blocks = json.dumps({"blocks": {str(record): ["everywhere"] for record in range(40)}}).encode()
    body = {
        "format": "binary",
        "bytes": ROWS[0].nbytes,
        "count": 40,
        "encoding_size": 128,
        "blocks": {"bytes": len(blocks)},
    }
    upload = linkage_service.call("POST", path, token, json=body).json()
    put_parts(upload["parts"], ROWS[0].tobytes(), None)

    refused = linkage_service.complete_upload(project, 0, upload["upload_id"])
    resumed = linkage_service.call("GET", f"{path}/{upload['upload_id']}", token).json()

    assert refused.status_code == 400
    assert refused.json()["detail"].endswith("the blocks file")
    place = resumed["blocks"]
    wrong = requests.put(place["url"], headers={"Content-Length": "1"}, data=b"1", timeout=60)
    assert wrong.status_code == 403  # its size is part of the signature
    put = requests.request(place["method"], place["url"], headers=place["headers"], data=blocks, timeout=60)
    assert put.status_code == 200
    assert linkage_service.complete_upload(project, 0, upload["upload_id"]).status_code == 201
