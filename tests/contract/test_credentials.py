"""Temporary credentials: for one folder, usable by the clients that there are, and for nothing else."""

from __future__ import annotations

import re
from datetime import datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from minio import Minio

from tests.contract.service import wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(55, (30, 35))


@pytest.fixture
def project(linkage_service):
    return linkage_service.create_project()


@pytest.fixture
def given(linkage_service, project):
    return linkage_service.authorise(project, 0)


def region(endpoint):
    """The one that an address of AWS names; other stores take any."""
    named = re.fullmatch(r"s3\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", endpoint)
    return named[1] if named else "us-east-1"


def s3(given):
    upload, credentials = given["upload"], given["credentials"]
    return boto3.client(
        "s3",
        endpoint_url=f"http{'s' if upload['secure'] else ''}://{upload['endpoint']}",
        region_name=region(upload["endpoint"]),
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(s3={"addressing_style": "path"}),
    )


def metadata(rows):
    return {"hash-count": str(len(rows)), "hash-size": str(rows.shape[1])}


def announce(linkage_service, project, given, name="encodings.bin"):
    file = {"bucket": given["upload"]["bucket"], "path": f"{given['upload']['path']}/{name}"}
    body = {"encodings": {"file": file, "credentials": given["credentials"]}}
    return linkage_service.call("POST", f"{project.path}/clks", project.update_tokens[0], json=body)


def test_the_answer_has_the_credentials_and_the_place(project, given):
    assert given["credentials"].keys() == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert given["upload"].keys() == {"endpoint", "secure", "bucket", "path"}
    assert given["upload"]["path"].startswith(f"{project.project_id}/")
    assert "/" not in given["upload"]["endpoint"]
    datetime.fromisoformat(given["credentials"]["Expiration"])


def test_they_may_be_asked_for_repeatedly(linkage_service, project, given):
    again = linkage_service.authorise(project, 0)

    assert again["upload"] == given["upload"]
    assert linkage_service.authorise(project, 1)["upload"]["path"] != given["upload"]["path"]


@pytest.mark.parametrize("client", ["boto3", "minio"])
def test_a_file_put_with_them_is_linked(linkage_service, project, given, client, tmp_path):
    upload, credentials = given["upload"], given["credentials"]
    name, path = "encodings.bin", tmp_path / "encodings.bin"
    path.write_bytes(ROWS[0].tobytes())
    key = f"{upload['path']}/{name}"
    if client == "boto3":
        s3(given).upload_file(str(path), upload["bucket"], key, ExtraArgs={"Metadata": metadata(ROWS[0])})
    else:
        minio = Minio(
            upload["endpoint"],
            access_key=credentials["AccessKeyId"],
            secret_key=credentials["SecretAccessKey"],
            session_token=credentials["SessionToken"],
            secure=upload["secure"],
        )
        minio.fput_object(upload["bucket"], key, str(path), metadata=metadata(ROWS[0]))

    answer = announce(linkage_service, project, given, name)

    assert (answer.status_code, answer.json()["message"]) == (201, "Updated")
    linkage_service.upload_binary(project, 1, ROWS[1])
    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


@pytest.mark.parametrize("place", ["{other}/x", "{project}/x", "{own}x/y", "x"])
def test_they_open_no_other_place(linkage_service, project, given, place):
    other = linkage_service.authorise(project, 1)["upload"]["path"]
    key = place.format(other=other, project=project.project_id, own=given["upload"]["path"])

    with pytest.raises(ClientError, match="AccessDenied"):
        s3(given).put_object(Bucket=given["upload"]["bucket"], Key=key, Body=b"x")


def test_they_neither_read_nor_list_nor_delete(given):
    bucket, key = given["upload"]["bucket"], f"{given['upload']['path']}/x"
    client = s3(given)
    client.put_object(Bucket=bucket, Key=key, Body=b"x")

    for attempt in (
        lambda: client.get_object(Bucket=bucket, Key=key),
        lambda: client.list_objects_v2(Bucket=bucket),
        lambda: client.delete_object(Bucket=bucket, Key=key),
    ):
        with pytest.raises(ClientError, match=r"AccessDenied|403"):
            attempt()


def test_a_file_that_is_not_there_is_an_error_and_the_party_can_try_again(linkage_service, project, given):
    answer = announce(linkage_service, project, given, "nothing.bin")

    assert answer.status_code in (201, 400)
    if answer.status_code == 201:
        wait_until(lambda: linkage_service.describe(project)["error"])
    assert linkage_service.upload_binary(project, 0, ROWS[0]).status_code == 201
