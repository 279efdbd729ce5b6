from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from chalicelib.storage import clients, direct_uploads, objects, projects, uploads
from tests.unit.api.events import as_text, binary_headers
from tests.unit.factories import create_project, new_upload

pytestmark = pytest.mark.usefixtures("service")

USED = "This token has already been used to upload clks."
SECRET = "c2VjcmV0c2VjcmV0"


@pytest.fixture
def project():
    return create_project()


@pytest.fixture
def post(api, project):
    def post(body: object, token: str | None = None):
        path = f"/projects/{project.project_id}/clks"
        return api.call("POST", path, token or project.update_tokens[0], json=body)

    return post


def leaves_nothing(project) -> bool:
    provider = projects.data_providers(project.project_id)[0]
    keys = list(objects.list_keys("data", ""))
    return provider.upload_state in ("not_started", "error") and not keys


@pytest.mark.parametrize("key", ["clks", "encodings"])
def test_json_encodings_are_kept_as_they_came_and_ingested(post, project, started, key):
    answer = post({key: as_text(bytes(128), bytes(128)), "other": 1})

    assert answer.status == 201
    assert answer.json["message"] == "Updated"
    ((machine, upload_id, _),) = started
    upload = uploads.find(upload_id)
    assert (machine, upload.format, upload.state) == ("ingest", "json", "ingesting")
    assert key.encode() in objects.get(upload.bucket, upload.object_key)
    assert projects.parties_contributed(project.project_id) == 1


def test_binary_encodings_are_kept_with_their_count_and_size(api, project, started):
    assert api.upload_binary(project, 1, 5, 64).status == 201

    upload = uploads.find(started[0][1])
    assert (upload.format, upload.encodings_count, upload.encoding_size_bytes) == ("binary", 5, 64)
    assert objects.get(upload.bucket, upload.object_key) == bytes(320)


@pytest.mark.parametrize("lengths", [(4,), (20,), (64, 256), (4096,), (0,)])
def test_encodings_of_any_length_are_accepted(post, lengths):
    assert post({"clks": as_text(*map(bytes, lengths))}).status == 201


def test_base64_with_line_breaks_is_accepted(post):
    assert post({"clks": [base64.encodebytes(bytes(128)).decode()]}).status == 201


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "body must have exactly one of 'clks', 'encodings', 'clknblocks'"),
        ([], "body must be object"),
        ({"clks": [SECRET], "encodings": [SECRET]}, "body must have exactly one of"),
        ({"clks": SECRET}, "body.clks must be array"),
        ({"clks": [SECRET, {SECRET: SECRET}]}, "body.clks[1] must be string"),
        ({"clks": [SECRET, SECRET + "!"]}, "The encoding in row 1 is not valid base64"),
        ({"clks": [SECRET, SECRET, SECRET + "é"]}, "The encoding in row 2 is not valid base64"),
        ({"clks": []}, "Missing CLKs information"),
        ({"clknblocks": [[]]}, "body.clknblocks[0] must contain at least 1 items"),
        ({"clknblocks": [[SECRET, {SECRET: 1}]]}, "body.clknblocks[0][1] must be string or integer"),
        ({"clknblocks": [[SECRET], [SECRET + "!", "a"]]}, "The encoding in row 1 is not valid base64"),
        ({"clknblocks": [[SECRET], [5, "a"]]}, "The encoding in row 1 is not valid base64"),
        ({"encodings": [SECRET], "blocks": {"1": []}}, "record index 1, but there are only 1 encodings"),
        ({"encodings": [SECRET], "blocks": {SECRET: []}}, "must be record indices: whole numbers from 0"),
        ({"encodings": [SECRET], "blocks": {"00": []}}, "must be record indices"),
        ({"encodings": [SECRET], "blocks": {"0": [1.5]}}, "body.blocks.0[0] must be string or integer"),
        ({"encodings": [SECRET], "blocks": {"0": ["a" * 10_001]}}, "body.blocks.0[0] must be shorter"),
        ({"clks": [SECRET], "blocks": {"0": ["a"]}}, "'blocks' go with 'encodings'"),
    ],
)
def test_a_wrong_body_is_refused_without_a_word_of_it_and_the_next_try_works(post, project, body, detail):
    answer = post(body)

    assert answer.status == 400
    assert detail in answer.detail
    assert SECRET not in answer.text
    assert leaves_nothing(project)
    assert post({"clks": [SECRET]}).status == 201


@pytest.mark.parametrize(
    "body", [{"clknblocks": [[SECRET, "1"]]}, {"encodings": [SECRET], "blocks": {"0": ["a"]}}]
)
def test_blocking_information_is_refused_and_the_next_try_works(post, project, body):
    answer = post(body)

    assert (answer.status, answer.detail) == (
        403,
        "Blocking has been disabled for this project, but received blocking information",
    )
    assert leaves_nothing(project)
    assert post({"clks": [SECRET]}).status == 201


@pytest.mark.parametrize(
    "body",
    [
        {"clknblocks": [[SECRET, "1", 2], [SECRET]]},
        {"encodings": [SECRET, SECRET], "blocks": {"1": ["a", 7], "0": []}},
        {"encodings": [SECRET, SECRET], "blocks": {}},
    ],
    ids=["clknblocks", "blocks", "no record has a block"],
)
def test_encodings_with_their_blocks_are_kept_as_they_came(api, started, body):
    project = create_project(uses_blocking=True)
    path = f"/projects/{project.project_id}/clks"

    answer = api.call("POST", path, project.update_tokens[0], json=body)

    assert answer.status == 201
    upload = uploads.find(started[0][1])
    assert (upload.format, upload.blocks_key) == ("json", None)
    assert json.loads(objects.get(upload.bucket, upload.object_key)) == body


def test_a_project_that_uses_blocking_refuses_encodings_without_blocks(api):
    project = create_project(uses_blocking=True)
    path, token = f"/projects/{project.project_id}/clks", project.update_tokens[0]

    answers = [
        api.call("POST", path, token, json={"clks": [SECRET]}),
        api.upload_binary(project, 0, 5, 128),
    ]

    for answer in answers:
        expected = "Expecting blocking information: either in 'blocks' or 'clknblocks'"
        assert (answer.status, answer.detail) == (403, expected)
    assert leaves_nothing(project)
    assert api.call("POST", path, token, json={"clknblocks": []}).detail == "Missing CLKs information"
    assert api.call("POST", path, token, json={"clknblocks": [[SECRET, "a"]]}).status == 201


def test_what_an_expired_upload_left_goes_when_another_takes_its_place(post, project):
    provider = projects.data_providers(project.project_id)[0]
    multipart_id = direct_uploads.begin_multipart("upload", "p/d/u")
    earlier = new_upload(
        provider, bucket="upload", object_key="p/d/u", multipart_id=multipart_id, blocks_key="p/d/u.blocks"
    )
    uploads.take(earlier, timedelta(seconds=-1))
    objects.put("upload", "p/d/u.blocks", b"{}")

    assert post({"clks": [SECRET]}).status == 201

    assert list(objects.list_keys("upload", "")) == []
    assert clients.s3().list_multipart_uploads(Bucket="upload").get("Uploads", []) == []


def test_the_checks_come_in_the_order_of_the_contract(post, project):
    with_blocks, empty = {"clknblocks": [[SECRET, "1"]]}, {"clks": []}

    assert post({"clks": 5}, token="0" * 48).status == 400
    assert post(with_blocks, token="0" * 48).detail.startswith("Invalid access token")
    post({"clks": [SECRET]})
    assert post(with_blocks).detail == USED
    assert post(empty).detail == USED


@pytest.mark.parametrize(
    ("headers", "body", "detail"),
    [
        ({"Hash-Count": None}, bytes(640), "Missing header parameter 'Hash-Count'"),
        ({"Hash-Size": None}, bytes(640), "Missing header parameter 'Hash-Size'"),
        ({"Hash-Count": "0"}, b"", "'Hash-Count' must be from 1"),
        ({"Hash-Count": "9999999999"}, bytes(640), "'Hash-Count' must be from 1"),
        ({"Hash-Count": "-5"}, bytes(640), "'Hash-Count' must be a whole number"),
        ({"Hash-Count": "\u0665"}, bytes(640), "'Hash-Count' must be a whole number"),
        ({"Hash-Size": "127"}, bytes(640), "multiple of 8"),
        ({"Hash-Size": "0"}, bytes(640), "out of configured bounds"),
        ({"Hash-Size": "2048"}, bytes(640), "out of configured bounds"),
        ({}, bytes(639), "got 639 bytes"),
        ({}, b"", "got 0 bytes"),
    ],
)
def test_a_wrong_binary_upload_is_refused_and_the_next_try_works(api, project, headers, body, detail):
    sent = {name: v for name, v in {**binary_headers(5, 128), **headers}.items() if v is not None}
    path = f"/projects/{project.project_id}/binaryclks"

    answer = api.call("POST", path, project.update_tokens[0], headers=sent, body=body)

    assert answer.status == 400
    assert detail in answer.detail
    assert leaves_nothing(project)
    assert api.upload_binary(project, 0, 5, 128).status == 201


def test_a_size_that_is_not_the_projects_is_refused_and_the_next_try_works(api):
    made = api.call(
        "POST", "/projects", json={"schema": {"clkConfig": {"l": 512}}, "result_type": "groups"}
    ).json
    project = projects.NewProject(**made)

    assert api.upload_binary(project, 0, 5, 128).status == 400
    assert api.upload_binary(project, 0, 5, 64).status == 201


def test_too_large_a_binary_body_names_the_route_that_takes_more(api, project):
    answer = api.upload_binary(project, 0, 40_000, 128)

    assert answer.status == 413
    assert "POST /api/v1/projects/{project_id}/uploads" in answer.detail


def test_too_large_a_json_body_names_the_route_that_takes_more(post):
    answer = post({"clks": ["A" * 10_000_000]})

    assert answer.status == 413
    assert "POST /api/v1/projects/{project_id}/uploads" in answer.detail


@pytest.mark.parametrize("broken", [(objects, "put"), (uploads, "begin_ingestion")], ids=lambda part: part[1])
def test_a_failure_on_the_way_frees_the_token_and_leaves_nothing(post, project, monkeypatch, broken):
    def fail(*_):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(*broken, fail)
        assert post({"clks": [SECRET]}).status == 500

    assert leaves_nothing(project)
    assert post({"clks": [SECRET]}).status == 201


def test_a_project_deleted_meanwhile_is_answered_as_gone_and_keeps_nothing(post, project, monkeypatch):
    monkeypatch.setattr(uploads, "begin_ingestion", lambda *_: False)

    assert post({"clks": [SECRET]}).status == 403
    assert leaves_nothing(project)


def test_an_upload_is_accepted_though_ingestion_starts_only_later(post, monkeypatch):
    from chalicelib.errors import StoreUnavailable
    from chalicelib.workflow import executions

    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(executions, "start", away)

    assert post({"clks": [SECRET]}).status == 201
    assert len(uploads.unfinished()) == 1
