"""Temporary credentials with the clients that use them: what they are for works, and nothing else."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from minio import Minio
from minio.error import S3Error

from tests.integration.service import Project, Service, admin_store, as_text, wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(12, (40, 50))
PART_BYTES = 5 * 1024 * 1024


def authorize(service: Service, project: Project, party: int = 0) -> dict[str, Any]:
    path = f"{project.path}/authorize-external-upload"
    answer = service.call("GET", path, project.update_tokens[party])
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def minio_client(given: dict[str, Any], region: str | None = "us-east-1") -> Minio:
    keys = given["credentials"]
    return Minio(
        given["upload"]["endpoint"],
        access_key=keys["AccessKeyId"],
        secret_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
        region=region,
        secure=given["upload"]["secure"],
    )


def boto3_client(given: dict[str, Any]) -> Any:
    place = given["upload"]
    return s3_client(f"{'https' if place['secure'] else 'http'}://{place['endpoint']}", given["credentials"])


def s3_client(endpoint_url: str, keys: dict[str, Any]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def project(linkage_service) -> Project:
    return linkage_service.create_project()


@pytest.fixture
def given(linkage_service, project) -> dict[str, Any]:
    return authorize(linkage_service, project)


def test_minio_py_puts_objects_and_files_as_the_original_s_client_does(stack, given, tmp_path):
    place, store = given["upload"], minio_client(given)
    file = tmp_path / "encodings.bin"
    file.write_bytes(ROWS[0].tobytes())
    key = f"{place['path']}/encodings.bin"

    store.put_object(place["bucket"], f"{place['path']}/upload-test", io.BytesIO(b"something"), 9)
    store.fput_object(place["bucket"], key, str(file), metadata={"hash-count": "40", "hash-size": "128"})

    head = admin_store(stack).head_object(Bucket=place["bucket"], Key=key)
    assert (head["ContentLength"], head["Metadata"]) == (5120, {"hash-count": "40", "hash-size": "128"})


def test_minio_py_finds_the_region_by_itself(given):
    place = given["upload"]

    minio_client(given, region=None).put_object(
        place["bucket"], f"{place['path']}/encodings.bin", io.BytesIO(b"1"), 1
    )


def test_boto3_puts_whole_objects_and_parts(stack, given):
    place, store = given["upload"], boto3_client(given)
    address = {"Bucket": place["bucket"], "Key": f"{place['path']}/large.bin"}
    store.put_object(Bucket=place["bucket"], Key=f"{place['path']}/sub/small.bin", Body=b"1")

    upload_id = store.create_multipart_upload(**address)["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": store.upload_part(**address, UploadId=upload_id, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in ((1, bytes(PART_BYTES)), (2, b"end"))
    ]
    assert len(store.list_parts(**address, UploadId=upload_id)["Parts"]) == 2
    store.complete_multipart_upload(**address, UploadId=upload_id, MultipartUpload={"Parts": parts})
    store.abort_multipart_upload(**address, UploadId=store.create_multipart_upload(**address)["UploadId"])

    assert admin_store(stack).head_object(**address)["ContentLength"] == PART_BYTES + 3


def test_credentials_can_be_had_again_also_after_an_upload(linkage_service, project, given):
    linkage_service.upload_binary(project, 0, ROWS[0])

    again = authorize(linkage_service, project)

    assert again["upload"] == given["upload"]
    assert again["credentials"]["AccessKeyId"] != given["credentials"]["AccessKeyId"]


# What an operation answers to whom has no permission for it; the bodies of HEAD's answers are empty.
DENIED = {"AccessDenied", "403"}


@pytest.mark.parametrize(
    ("operation", "where"),
    [
        ("put_object", "{other party}/encodings"),
        ("put_object", "{other project}/encodings"),
        ("put_object", "{project}/encodings"),
        ("put_object", "{own}x/encodings"),
        ("put_object", "{own}x"),
        ("put_object", "encodings"),
        ("create_multipart_upload", "{other party}/encodings"),
        ("get_object", "{own}/mine"),
        ("head_object", "{own}/mine"),
        ("delete_object", "{own}/mine"),
        ("get_object", "{other party}/theirs"),
        ("delete_object", "{other party}/theirs"),
        ("get_object_tagging", "{own}/mine"),
        ("get_object_acl", "{own}/mine"),
    ],
)
def test_nothing_else_in_the_bucket_is_allowed(linkage_service, stack, project, given, operation, where):
    place = given["upload"]
    theirs = authorize(linkage_service, project, 1)["upload"]["path"]
    folders = {
        "own": place["path"],
        "project": project.project_id,
        "other party": theirs,
        "other project": authorize(linkage_service, linkage_service.create_project())["upload"]["path"],
    }
    admin = admin_store(stack)
    for key in (f"{place['path']}/mine", f"{theirs}/theirs"):
        admin.put_object(Bucket=place["bucket"], Key=key, Body=b"before")
    key = where
    for name, folder in folders.items():
        key = key.replace(f"{{{name}}}", folder)

    with pytest.raises(ClientError) as refused:
        getattr(boto3_client(given), operation)(Bucket=place["bucket"], Key=key)

    assert refused.value.response["Error"]["Code"] in DENIED
    for kept in (f"{place['path']}/mine", f"{theirs}/theirs"):
        assert admin.get_object(Bucket=place["bucket"], Key=kept)["Body"].read() == b"before"


@pytest.mark.parametrize(
    "operation", ["list_objects_v2", "list_multipart_uploads", "get_bucket_policy", "get_bucket_cors"]
)
@pytest.mark.parametrize("bucket", ["upload_bucket", "data_bucket"])
def test_no_bucket_can_be_listed_or_looked_into(stack, given, operation, bucket):
    with pytest.raises(ClientError) as refused:
        getattr(boto3_client(given), operation)(Bucket=getattr(stack, bucket))

    assert refused.value.response["Error"]["Code"] in DENIED


def test_the_data_bucket_is_out_of_reach(linkage_service, stack, project, given):
    linkage_service.upload_binary(project, 1, ROWS[1])
    store, place = boto3_client(given), given["upload"]
    secret = f"projects/{project.project_id}/datasets/x/encodings.bin"
    admin_store(stack).put_object(Bucket=stack.data_bucket, Key=secret, Body=b"secret")
    attempts = [
        lambda: store.put_object(Bucket=stack.data_bucket, Key=f"{place['path']}/x", Body=b"1"),
        lambda: store.put_object(Bucket=stack.data_bucket, Key=secret, Body=b"1"),
        lambda: store.get_object(Bucket=stack.data_bucket, Key=secret),
        lambda: store.get_bucket_location(Bucket=stack.data_bucket),
        lambda: store.copy_object(
            Bucket=place["bucket"],
            Key=f"{place['path']}/copy",
            CopySource={"Bucket": stack.data_bucket, "Key": secret},
        ),
    ]

    for attempt in attempts:
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] in DENIED


def test_minio_py_is_told_that_another_s_folder_is_not_its(linkage_service, project, given):
    theirs = authorize(linkage_service, project, 1)["upload"]

    with pytest.raises(S3Error) as refused:
        minio_client(given).put_object(theirs["bucket"], f"{theirs['path']}/x", io.BytesIO(b"1"), 1)

    assert refused.value.code == "AccessDenied"


def test_credentials_say_when_they_end(given):
    expires_at = datetime.fromisoformat(given["credentials"]["Expiration"])

    left = expires_at - datetime.now(UTC).replace(tzinfo=None)
    assert timedelta(hours=11, minutes=50) < left <= timedelta(hours=12, minutes=1)


def test_a_session_that_has_ended_is_refused_by_the_store(stack, given):
    """STS gives nobody less than 15 minutes, but the emulator does: a role like the signer, for 3 seconds."""
    place = given["upload"]
    session = boto3.Session(
        aws_access_key_id=stack.aws_access_key_id,
        aws_secret_access_key=stack.aws_secret_access_key,
        region_name=stack.region,
    )
    iam = session.client("iam", endpoint_url=stack.aws_endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    role = iam.create_role(RoleName="brief", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="brief", PolicyName="own", PolicyDocument=policy(allowed))
    unchecked = Config(parameter_validation=False)
    sts = session.client("sts", endpoint_url=stack.aws_endpoint_url, config=unchecked)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="brief", DurationSeconds=3)["Credentials"]
    store = s3_client(stack.aws_endpoint_url, keys)
    address = {"Bucket": place["bucket"], "Key": f"{place['path']}/late"}
    codes: list[str] = []

    store.put_object(**address, Body=b"in time")

    def is_refused() -> bool:
        try:
            store.put_object(**address, Body=b"late")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
        return bool(codes)

    wait_until(is_refused)
    assert codes[0] in {"ExpiredToken", "ExpiredTokenException"}


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("form", ["raw", "JSON"])
def test_files_that_were_put_by_credentials_are_linked(linkage_service, form):
    project = linkage_service.create_project()

    for party, rows in enumerate(ROWS):
        given = authorize(linkage_service, project, party)
        answer = post_reference(linkage_service, project, party, put_encodings(given, rows, form), given)
        assert answer.status_code == 201, answer.text

    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


def test_a_file_that_is_not_there_shows_as_error_and_the_next_try_works(linkage_service, project, given):
    file = {"bucket": given["upload"]["bucket"], "path": f"{given['upload']['path']}/nothing"}
    assert post_reference(linkage_service, project, 0, file, given).status_code == 201
    wait_until(lambda: linkage_service.describe(project)["error"])

    file = put_encodings(given, ROWS[0], "raw")
    assert post_reference(linkage_service, project, 0, file, given).status_code == 201
    linkage_service.upload_binary(project, 1, ROWS[1])

    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


def put_encodings(given: dict[str, Any], rows: np.ndarray, form: str) -> dict[str, str]:
    """Put the file, as the original's client does; gives its place."""
    place = given["upload"]
    content = rows.tobytes() if form == "raw" else json.dumps({"clks": as_text(rows)}).encode()
    key = f"{place['path']}/encodings{'.bin' if form == 'raw' else '.json'}"
    metadata: dict[str, Any] = {"hash-count": str(len(rows)), "hash-size": str(rows.shape[1])}
    minio_client(given).put_object(place["bucket"], key, io.BytesIO(content), len(content), metadata=metadata)
    return {"bucket": place["bucket"], "path": key}


def post_reference(
    service: Service, project: Project, party: int, file: dict[str, str], given: dict[str, Any]
) -> Any:
    body = {"encodings": {"file": file, "credentials": given["credentials"]}}
    return service.call("POST", f"{project.path}/clks", project.update_tokens[party], json=body)
