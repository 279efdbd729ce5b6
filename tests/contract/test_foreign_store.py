"""Encodings in a party's own object store: the service fetches them itself."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import Any

import boto3
import numpy as np
import pytest

from tests.contract.patience import wait_until
from tests.contract.service import as_text
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

BUCKET = "a-hospital"
DATASETS = linked_encodings(83, (60, 70))
THRESHOLD = 0.85


@dataclass(frozen=True)
class Store:
    endpoint: str  # host:port, as the service and this test reach it
    access_key: str
    secret_key: str

    def put(self, key: str, rows: np.ndarray) -> None:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{self.endpoint}",
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=BUCKET)
        content = json.dumps({"clks": as_text(rows)}).encode()
        size = {"hash-count": str(rows.shape[0]), "hash-size": str(rows.shape[1])}
        client.put_object(Bucket=BUCKET, Key=key, Body=content, Metadata=size)

    def reference(self, key: str, access_key: str | None = None) -> dict[str, Any]:
        return {
            "file": {"bucket": BUCKET, "path": key, "endpoint": self.endpoint, "secure": False},
            "credentials": {
                "AccessKeyId": access_key or self.access_key,
                "SecretAccessKey": self.secret_key,
            },
        }


@pytest.fixture(scope="module")
def store(request) -> Store:
    """What FOREIGN_STORE names, else the embedded stack's by another name than the service has for it."""
    if endpoint := os.environ.get("FOREIGN_STORE"):
        keys = (os.environ[f"FOREIGN_STORE_{kind}_KEY"] for kind in ("ACCESS", "SECRET"))
        return Store(endpoint, *keys)
    if "SERVER" in os.environ:
        pytest.skip("FOREIGN_STORE names no object store that the service could reach")
    stack = request.getfixturevalue("stack")
    port = stack.s3_endpoint.rpartition(":")[2]
    return Store(f"localhost:{port}", stack.aws_access_key_id, stack.aws_secret_access_key)


def test_encodings_in_a_party_s_own_store_are_linked(linkage_service, store):
    project = linkage_service.create_project("groups")
    key = f"{project.project_id}/encodings.json"
    store.put(key, DATASETS[0])

    for party, body in enumerate(({"encodings": store.reference(key)}, {"clks": as_text(DATASETS[1])})):
        answer = linkage_service.call("POST", f"{project.path}/clks", project.update_tokens[party], json=body)
        assert answer.status_code == 201, answer.text

    groups = linkage_service.link(project, THRESHOLD)["groups"]
    assert as_sets(groups) == anonlink_groups(DATASETS, THRESHOLD)


def test_a_store_that_refuses_the_credentials_is_told_to_the_parties(linkage_service, store):
    project = linkage_service.create_project("groups")
    key = f"{project.project_id}/encodings.json"
    store.put(key, DATASETS[0])

    # An unknown key, not a wrong secret: the embedded stack's root user passes with any.
    answer = linkage_service.call(
        "POST",
        f"{project.path}/clks",
        project.update_tokens[0],
        json={"encodings": store.reference(key, "nobody")},
    )

    assert answer.status_code == 201, answer.text
    wait_until(lambda: linkage_service.describe(project)["error"])
    assert linkage_service.describe(project)["parties_contributed"] == 0
