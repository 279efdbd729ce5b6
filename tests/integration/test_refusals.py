"""What is refused leaves nothing in the stores, either: no object, no row, no lock."""

from __future__ import annotations

import json

import psycopg2
import pytest

from tests.integration.service import Project, Service, admin_store, as_text
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(71, (20, 20))
BINARY = {"Content-Type": "application/octet-stream", "Hash-Count": "20", "Hash-Size": "128"}
JSON = {"Content-Type": "application/json"}
REFUSED = {
    "not JSON": ("clks", JSON, b"{"),
    "nested too deep": ("clks", JSON, b'{"clks": ' + b"[" * 100 + b"]" * 100 + b"}"),
    "no base64": ("clks", JSON, json.dumps({"clks": [*as_text(ROWS[0]), "!"]}).encode()),
    "no rows": ("clks", JSON, b'{"clks": []}'),
    "blocks where there are none": (
        "clks",
        JSON,
        json.dumps({"clknblocks": [["AAAAAAAAAAA=", "b"]]}).encode(),
    ),
    "a file elsewhere": ("clks", JSON, b'{"encodings": {"file": {"bucket": "elsewhere", "path": "x"}}}'),
    "a body of another length": ("binaryclks", BINARY, bytes(2559)),
    "an empty body": ("binaryclks", BINARY, b""),
    "a size out of bounds": ("binaryclks", {**BINARY, "Hash-Count": "1", "Hash-Size": "4096"}, bytes(4096)),
    "another content type": ("binaryclks", JSON, ROWS[0].tobytes()),
    "a file that cannot be": (
        "uploads",
        JSON,
        b'{"format": "binary", "bytes": 1, "count": 1, "encoding_size": 8}',
    ),
    "too much": ("binaryclks", BINARY, bytes(5_000_000)),
}


@pytest.fixture(scope="module")
def project(linkage_service) -> Project:
    return linkage_service.create_project()


def traces(stack, project: Project) -> list[object]:
    s3 = admin_store(stack)
    found: list[object] = []
    for bucket, prefix in (
        (stack.data_bucket, f"projects/{project.project_id}"),
        (stack.upload_bucket, project.project_id),
    ):
        found += [
            entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        ]
        found += s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", ())
    with psycopg2.connect(stack.postgres_url, sslmode="disable") as connection, connection.cursor() as cursor:
        cursor.execute("select upload_id from uploads where project_id = %s", (project.project_id,))
        found += cursor.fetchall()
        cursor.execute(
            "select upload_state from data_providers where project_id = %s and upload_state <> 'not_started'",
            (project.project_id,),
        )
        found += cursor.fetchall()
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_upload_leaves_nothing_behind(stack, linkage_service: Service, project, name):
    path, headers, body = REFUSED[name]
    token = project.update_tokens[0]
    answer = linkage_service.call("POST", f"{project.path}/{path}", token, data=body, headers=headers)

    assert 400 <= answer.status_code < 500
    assert traces(stack, project) == []


def test_after_all_that_the_token_uploads_fine(stack, linkage_service, project):
    for party, rows in enumerate(ROWS):
        assert linkage_service.upload_binary(project, party, rows).status_code == 201

    assert linkage_service.link(project, 0.9)
    assert traces(stack, project)
