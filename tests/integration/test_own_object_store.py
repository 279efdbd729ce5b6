"""The whole service with its data in somebody else's object store: another emulator, with IAM enforced.

The functions have a user's keys of that store, and their roles may touch nothing of S3 but manifests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest
import requests
from phe import paillier, util

from localstack import emulator, service
from localstack.deploy import Deployer
from localstack.settings import ACCESS_KEY, ACCOUNT, SECRET_KEY, SOURCE_DIR, Settings
from localstack.stack import Stack, running
from localstack.supervisor import Supervisor
from tests.contract.service import Project, Service, put_parts, wait_until
from tests.integration.service import admin_store
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

pytestmark = pytest.mark.slow

DATA, UPLOADS, REGION = "own-data", "own-uploads", "eu-central-1"
ROWS = linked_encodings(91, (2500, 2600))
SMALL = linked_encodings(92, (30, 35))

# What terraform/README.md asks of a user of the store.
USER_MAY = [
    {
        "Effect": "Allow",
        "Action": [
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ],
        "Resource": [f"arn:aws:s3:::{DATA}/*", f"arn:aws:s3:::{UPLOADS}/*"],
    },
    {
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{DATA}", f"arn:aws:s3:::{UPLOADS}"],
    },
]


class OwnStore:
    """An emulator with two buckets and a user."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/anyone"  # here it must exist
        self.s3 = self._client("s3")
        for bucket in (DATA, UPLOADS):
            placement = {"LocationConstraint": REGION}
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=placement)
        iam = self._client("iam")
        user = iam.create_user(UserName="anonlink")["User"]["Arn"]
        assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": self.role_arn}
        iam.put_user_policy(UserName="anonlink", PolicyName="own", PolicyDocument=policy(*USER_MAY, assume))
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": user}}
        iam.create_role(RoleName="anyone", AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(RoleName="anyone", PolicyName="own", PolicyDocument=policy(*USER_MAY))
        self.keys = iam.create_access_key(UserName="anonlink")["AccessKey"]

    def _client(self, name: Any) -> Any:
        return boto3.client(
            name,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    @property
    def values(self) -> dict[str, str]:
        """The placeholders of functions.yaml."""
        return {
            "DataBucket": DATA,
            "UploadBucket": UPLOADS,
            "DataBucketArn": "arn:aws:s3:::elsewhere",
            "UploadBucketArn": "arn:aws:s3:::elsewhere",
            "ObjectStoreEndpoint": self.endpoint,
            # As a client that comes another way: what is signed for one name isn't for the other.
            "ObjectStorePublicEndpoint": self.endpoint.replace("127.0.0.1", "localhost"),
            "ObjectStoreRegion": REGION,
            "ObjectStoreAccessKey": self.keys["AccessKeyId"],
            "ObjectStoreSecretKey": self.keys["SecretAccessKey"],
            "SignerRoleArn": self.role_arn,
            "SmallRunMaxSeconds": "0",  # every run by a manifest
        }


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def own_store(tmp_path_factory) -> Iterator[OwnStore]:
    settings = Settings.load(tmp_path_factory.mktemp("own-store"), 0)
    settings.logs_dir.mkdir()
    supervisor = Supervisor([emulator.part(settings)], settings.logs_dir, threading.Event())
    try:
        supervisor.start()
        yield OwnStore(settings.endpoint_url)
    finally:
        supervisor.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, own_store) -> Iterator[Stack]:
    """The service, told of the store as an operator would tell it: by the placeholders."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        directory = Path(started.data_dir)
        settings = Settings(data_dir=directory, **json.loads((directory / "settings.json").read_text()))
        target = service.target(settings, SOURCE_DIR)
        Deployer(replace(target, values={**target.values, **own_store.values})).deploy()
        yield started


@pytest.fixture(scope="module")
def linkage_service(stack) -> Service:
    return Service(stack.api_url)


@pytest.fixture(scope="module")
def in_own_store(own_store) -> Callable[[], list[str]]:
    return lambda: [key for bucket in (DATA, UPLOADS) for key in traces(own_store.s3, bucket)]


@pytest.fixture(scope="module")
def in_s3(stack) -> Callable[[], list[str]]:
    s3 = admin_store(stack)
    return lambda: [key for bucket in (stack.data_bucket, stack.upload_bucket) for key in traces(s3, bucket)]


def traces(s3: Any, bucket: str) -> Iterator[str]:
    """The keys of objects and of multipart uploads."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from (entry["Key"] for entry in page.get("Contents", ()))
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        yield from (upload["Key"] for upload in page.get("Uploads", ()))


def upload_in_parts(linkage_service: Service, project: Project, rows: np.ndarray) -> None:
    """As party 0: a first part of 64 MiB, the rest, and the URLs as the service gives them."""
    content = rows.tobytes()
    upload = linkage_service.begin_upload(project, 0, len(content), *rows.shape).json()
    assert [part["number"] for part in upload["parts"]] == [1, 2]
    put_parts(upload["parts"], content, upload["part_size"])
    answer = linkage_service.complete_upload(project, 0, upload["upload_id"])
    assert answer.status_code == 201, answer.text


def delete(linkage_service: Service, project: Project) -> None:
    assert linkage_service.call("DELETE", project.path, project.result_token).status_code == 204


@pytest.mark.parametrize("result_type", ["groups", "permutations"])
def test_a_run_of_chunks_leaves_only_its_manifest_in_s3_and_its_deletion_nothing_anywhere(
    linkage_service, in_own_store, in_s3, result_type
):
    project, run_id, _ = linkage_service.completed(ROWS, result_type, 0.85)

    ours = [key for key in in_s3() if project.project_id in key]
    theirs = [key for key in in_own_store() if project.project_id in key]
    assert ours == [f"projects/{project.project_id}/runs/{run_id}/manifest.jsonl"]
    assert {key.rpartition("/")[2] for key in theirs} >= {"encodings.bin", "result.json"}
    if result_type == "groups":
        result = linkage_service.result(project, run_id)
        assert as_sets(result["groups"]) == anonlink_groups(ROWS, 0.85)

    delete(linkage_service, project)

    wait_until(lambda: not any(project.project_id in key for key in [*in_s3(), *in_own_store()]))


def test_a_mask_is_encrypted_there_and_its_deletion_leaves_nothing_anywhere(
    linkage_service, in_own_store, in_s3
):
    public, private = paillier.generate_paillier_keypair(n_length=2_048)
    jwk = {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": util.int_to_base64(public.n)}
    project = linkage_service.create_project(
        "permutation", public_key=jwk, paillier_context={"base": 2, "encoded": True}
    )
    uploads = [linkage_service.upload_binary(project, party, rows[:400]) for party, rows in enumerate(ROWS)]
    run_id = linkage_service.post_run(project, 0.85)
    status = linkage_service.wait_for(project, run_id)
    assert status["state"] == "completed", status

    ours = {key for key in in_s3() if project.project_id in key}
    assert ours <= {f"projects/{project.project_id}/runs/{run_id}/manifest.jsonl"}  # the mask's is gone
    theirs = {key.rpartition("/")[2] for key in in_own_store() if run_id in key}
    assert {key for key in theirs if key.endswith((".json", ".jsonl", ".bin"))} <= {
        "permutation-0.json", "permutation-1.json",
    }  # fmt: skip
    mask = linkage_service.result(project, run_id, uploads[1].json()["receipt_token"])["mask"]
    bits = [private.raw_decrypt(util.base64_to_int(text)) for text in mask]
    assert set(bits) == {0, 1}
    assert sum(bits) == len(anonlink_groups([rows[:400] for rows in ROWS], 0.85))

    delete(linkage_service, project)

    wait_until(lambda: not any(project.project_id in key for key in [*in_s3(), *in_own_store()]))


def test_a_deleted_run_leaves_nothing_anywhere(linkage_service, in_own_store, in_s3):
    project, run_id, _ = linkage_service.completed(ROWS, "groups", 0.85)
    assert any(run_id in key for key in in_s3())

    path = f"{project.path}/runs/{run_id}"
    assert linkage_service.call("DELETE", path, project.result_token).status_code == 204

    wait_until(lambda: not any(run_id in key for key in [*in_s3(), *in_own_store()]))
    assert any(project.project_id in key for key in in_own_store())


def test_an_upload_in_parts_goes_to_the_store_by_its_public_name(linkage_service, own_store):
    rows = np.random.default_rng(93).integers(0, 256, (530_000, 128), dtype=np.uint8)  # 65 MB
    project = linkage_service.create_project()

    upload_in_parts(linkage_service, project, rows)

    linkage_service.upload_binary(project, 1, rows[[0, 529_999]])
    groups = linkage_service.link(project, 0.99)["groups"]
    assert as_sets(groups) == as_sets([[[0, 0], [1, 0]], [[0, 529_999], [1, 1]]])
    delete(linkage_service, project)


def test_large_results_are_fetched_from_the_store_by_its_public_name(linkage_service, own_store):
    """Similarity scores of more than Lambda carries: all pairs of the same record twice."""
    rows = np.repeat(ROWS[0][:1], 600, axis=0)
    project, run_id, _ = linkage_service.completed([rows, rows], "similarity_scores", 0.9)

    path = f"{linkage_service.base_url}/api/v1{project.path}/runs/{run_id}/result"
    answer = requests.get(
        path, headers={"Authorization": project.result_token}, allow_redirects=False, timeout=60
    )

    assert answer.status_code == 303
    place = urlsplit(answer.headers["Location"])
    assert (place.hostname, place.port) == ("localhost", urlsplit(own_store.endpoint).port)
    assert len(requests.get(answer.headers["Location"], timeout=60).json()["similarity_scores"]) == 360_000


def test_temporary_credentials_are_of_the_store_and_for_one_folder(linkage_service, own_store):
    project = linkage_service.create_project()
    given = linkage_service.authorise(project, 0)
    place, keys = given["upload"], given["credentials"]
    assert place["endpoint"] == f"localhost:{urlsplit(own_store.endpoint).port}"
    assert place["bucket"] == UPLOADS
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{place['endpoint']}",
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    key = f"{place['path']}/encodings.bin"
    metadata = {"hash-count": str(len(SMALL[0])), "hash-size": str(SMALL[0].shape[1])}

    client.put_object(Bucket=UPLOADS, Key=key, Body=SMALL[0].tobytes(), Metadata=metadata)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.put_object(Bucket=UPLOADS, Key="another/x", Body=b"x")

    file = {"bucket": UPLOADS, "path": key, "endpoint": place["endpoint"], "secure": False}
    body = {"encodings": {"file": file, "credentials": keys}}
    answer = linkage_service.call("POST", f"{project.path}/clks", project.update_tokens[0], json=body)
    assert answer.status_code == 201, answer.text
    linkage_service.upload_binary(project, 1, SMALL[1])
    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(SMALL, 0.85)


def test_the_contract_of_uploads_holds(stack):
    files = [f"tests/contract/test_{name}.py" for name in ("direct_uploads", "credentials")]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *files],
        cwd=SOURCE_DIR, env={**os.environ, "SERVER": stack.api_url}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
