from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from chalicelib.storage import objects, projects, uploads
from tests.unit.factories import create_project

pytestmark = pytest.mark.usefixtures("service")

SECRET = "c2VjcmV0c2VjcmV0"
CREDENTIALS = {"AccessKeyId": "AK", "SecretAccessKey": SECRET, "SessionToken": SECRET}
FOREIGN = {"bucket": "theirs", "path": "any/where", "endpoint": "storage.example.org:9000"}
NOT_ALLOWED = "Provided object store path is not allowed"


@pytest.fixture
def project():
    return create_project(uses_blocking=True)


@pytest.fixture
def post(api, project):
    def post(encodings: object, blocks: object = None):
        body = {"encodings": encodings, "blocks": {"0": ["a"]} if blocks is None else blocks}
        return api.call("POST", f"/projects/{project.project_id}/clks", project.update_tokens[0], json=body)

    return post


@pytest.fixture
def folder(project) -> str:
    return f"{project.project_id}/{projects.data_providers(project.project_id)[0].dp_id}"


def own(path: str, bucket: str = "upload") -> dict[str, str]:
    return {"bucket": bucket, "path": path}


def leaves_nothing(project) -> bool:
    provider = projects.data_providers(project.project_id)[0]
    return provider.upload_state == "not_started" and not list(objects.list_keys("data", ""))


def test_a_reference_is_kept_as_it_came_and_ingested(api, post, project, folder, started):
    encodings = {"file": own(f"{folder}/encodings.bin"), "credentials": {**CREDENTIALS, "Expiration": "soon"}}
    blocks = {"file": own(f"{folder}/sub/blocks.json"), "credentials": CREDENTIALS}

    answer = post(encodings, blocks)

    assert answer.status == 201
    assert answer.json["message"] == "Updated"
    ((machine, upload_id, _),) = started
    upload = uploads.find(upload_id)
    assert (machine, upload.format, upload.bucket, upload.state) == (
        "ingest",
        "reference",
        "data",
        "ingesting",
    )
    assert json.loads(objects.get("data", upload.object_key)) == {"encodings": encodings, "blocks": blocks}


def test_inline_blocks_go_with_a_file_of_encodings(post, folder):
    assert post({"file": own(f"{folder}/encodings.bin")}, {"0": ["a", 5], "70000": []}).status == 201


def test_a_foreign_store_is_read_with_credentials(post):
    reference = {"file": {**FOREIGN, "secure": False}, "credentials": CREDENTIALS}

    assert post(reference, reference).status == 201


def test_a_file_in_a_project_without_blocking_comes_without_blocks(api):
    project = create_project()
    dp_id = projects.data_providers(project.project_id)[0].dp_id
    path, token = f"/projects/{project.project_id}/clks", project.update_tokens[0]
    body = {"encodings": {"file": own(f"{project.project_id}/{dp_id}/encodings.bin")}}

    refused = api.call("POST", path, token, json={**body, "blocks": {"file": own("p")}})

    assert refused.detail.startswith("Blocking has been disabled")
    assert api.call("POST", path, token, json=body).status == 201


@pytest.mark.parametrize(
    "path",
    [
        "{folder}",
        "{folder}/",
        "{folder}x/encodings",
        "{folder}/../../x",
        "{folder}/a/./b",
        "{folder}/a//b",
        "/{folder}/encodings",
        "x/{folder}/encodings",
        "{project}/encodings",
        "{other}/encodings",
    ],
)
def test_a_path_outside_the_party_s_folder_is_refused_and_the_next_try_works(post, project, folder, path):
    other = f"{project.project_id}/{projects.data_providers(project.project_id)[1].dp_id}"
    place = own(path.format(folder=folder, project=project.project_id, other=other))
    good = {"file": own(f"{folder}/encodings.bin")}

    for answer in (post({"file": place, "credentials": CREDENTIALS}), post(good, {"file": place})):
        assert (answer.status, answer.detail) == (403, NOT_ALLOWED)

    assert leaves_nothing(project)
    assert post(good).status == 201


@pytest.mark.parametrize(
    "file",
    [
        {"bucket": "data"},
        {"bucket": "upload2"},
        {"bucket": "data", "endpoint": "s3.eu-west-1.amazonaws.com"},
        {"bucket": "data", "endpoint": "S3.EU-WEST-1.amazonaws.com:443"},
    ],
)
def test_another_bucket_of_our_store_is_refused(post, folder, file):
    answer = post({"file": {"path": f"{folder}/encodings", **file}, "credentials": CREDENTIALS})

    assert (answer.status, answer.detail) == (403, NOT_ALLOWED)


def test_a_bucket_of_the_party_s_own_may_be_at_the_same_endpoint(post):
    place = {"bucket": "theirs", "path": "any/where", "endpoint": "s3.eu-west-1.amazonaws.com"}

    assert post({"file": place, "credentials": CREDENTIALS}).status == 201


@pytest.mark.parametrize(
    ("encodings", "blocks", "detail"),
    [
        ({}, None, "body.encodings must contain ['file'] properties"),
        ({"file": {"bucket": SECRET}}, None, "body.encodings.file must contain ['path'] properties"),
        ({"file": {"bucket": "b", "path": 5}}, None, "body.encodings.file.path must be string"),
        ({"file": {"bucket": "b", "path": ""}}, None, "body.encodings.file.path must be longer"),
        ({"file": {"bucket": SECRET + "/", "path": "p"}}, None, "body.encodings.file.bucket must match"),
        ({"file": FOREIGN}, None, "needs the 'credentials'"),
        (
            {"file": FOREIGN, "credentials": {"AccessKeyId": SECRET}},
            None,
            "credentials must contain ['SecretAccessKey']",
        ),
        (
            {"file": FOREIGN, "credentials": {**CREDENTIALS, "SessionToken": SECRET + "\r\nx"}},
            None,
            "SessionToken must match pattern",
        ),
        (
            {"file": {**FOREIGN, "endpoint": f"https://{SECRET}/"}, "credentials": CREDENTIALS},
            None,
            "body.encodings.file.endpoint must match pattern",
        ),
        ({"file": {**FOREIGN, "secure": "no"}, "credentials": CREDENTIALS}, None, "secure must be boolean"),
        ({"file": own("p")}, {"file": FOREIGN}, "needs the 'credentials'"),
        ({"file": own("p")}, {"file": SECRET}, "body.blocks.file must be object"),
        ({"file": own("p")}, {SECRET: ["a"]}, "must be record indices"),
        ([SECRET], {"file": own("p")}, "A file of blocks goes with a file of encodings"),
    ],
)
def test_a_wrong_reference_is_refused_without_a_word_of_it(post, project, encodings, blocks, detail):
    answer = post(encodings, blocks)

    assert answer.status == 400
    assert detail in answer.detail
    assert SECRET not in answer.text
    assert leaves_nothing(project)


def test_a_reference_s_credentials_are_in_no_log(post, folder, capsys):
    post({"file": own(f"{folder}/encodings.bin"), "credentials": CREDENTIALS})
    post({"file": own("elsewhere"), "credentials": CREDENTIALS})

    assert SECRET not in capsys.readouterr().out


def authorize(api, project, token=None):
    path = f"/projects/{project.project_id}/authorize-external-upload"
    return api.call("GET", path, token or project.update_tokens[0])


def test_a_party_gets_credentials_for_its_own_folder(api, project, folder):
    first, second = authorize(api, project), authorize(api, project)

    assert (first.status, second.status) == (201, 201)
    assert first.json["upload"] == {
        "endpoint": "s3.eu-west-1.amazonaws.com",
        "secure": True,
        "bucket": "upload",
        "path": folder,
    }
    assert first.json["credentials"]["AccessKeyId"] != second.json["credentials"]["AccessKeyId"]
    left = datetime.fromisoformat(first.json["credentials"]["Expiration"]) - datetime.utcnow()  # noqa: DTZ003
    assert timedelta(minutes=55) < left <= timedelta(minutes=61)


def test_credentials_are_given_also_after_an_upload(api, post, project, folder):
    post({"file": own(f"{folder}/encodings.bin")})

    assert authorize(api, project).status == 201


def test_credentials_are_for_parties_only(api, project):
    for token in (project.result_token, create_project().update_tokens[0], "0" * 48):
        assert authorize(api, project, token).status == 403
    path = f"/projects/{project.project_id}/authorize-external-upload"
    assert api.call("GET", path).detail == "Missing header parameter 'Authorization'"


def test_where_credentials_are_not_offered_the_answer_says_what_is(api, project, override_settings):
    override_settings(OFFER_UPLOAD_CREDENTIALS="false")

    answer = authorize(api, project)

    assert answer.status == 403
    assert "POST /api/v1/projects/{project_id}/uploads" in answer.detail
    assert authorize(api, project, "0" * 48).detail.startswith("Invalid access token")
