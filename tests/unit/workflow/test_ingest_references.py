"""Uploads that refer to files: whose files may be read, what must be true of them, and what goes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from chalicelib.errors import PermanentError
from chalicelib.storage import clients, layout, objects, uploads
from chalicelib.storage.projects import DataProvider
from chalicelib.workflow.failures import reject
from chalicelib.workflow.ingest import ingest
from tests.unit.factories import begun_upload, new_project
from tests.unit.foreign_store import foreign_store

pytestmark = pytest.mark.usefixtures("service")

ROWS = [bytes([number]) * 16 for number in range(4)]


@pytest.fixture
def provider() -> DataProvider:
    return new_project()[1][0]


def refer(provider: DataProvider, encodings: dict[str, Any], **more: Any) -> uploads.NewUpload:
    body = json.dumps({"encodings": encodings, **more}).encode()
    fields = {"format": "reference", "encodings_count": None, "encoding_size_bytes": None}
    upload = begun_upload(provider, size_bytes=len(body), **fields)
    objects.put(upload.bucket, upload.object_key, body)
    return upload


def put(provider: DataProvider, name: str, content: bytes, **metadata: object) -> dict[str, Any]:
    path = f"{layout.party_folder(provider.project_id, provider.dp_id)}/{name}"
    described = {key.replace("_", "-"): str(value) for key, value in metadata.items()}
    clients.s3().put_object(Bucket="upload", Key=path, Body=content, Metadata=described)
    return {"file": {"bucket": "upload", "path": path}}


def as_json(rows: list[bytes]) -> bytes:
    return json.dumps({"clks": [base64.b64encode(row).decode() for row in rows]}).encode()


def encodings_of(upload: uploads.NewUpload) -> bytes:
    return objects.get("data", layout.encodings(upload.project_id, upload.upload_id))


def test_shorter_encodings_in_a_json_file_get_zeros_at_their_end(provider):
    content = as_json([bytes([1]) * 10, bytes([2]) * 16])
    upload = refer(provider, put(provider, "a.json", content, hash_count=2, hash_size=16))

    ingest({"upload_id": upload.upload_id}, None)

    assert encodings_of(upload) == bytes([1]) * 10 + bytes(6) + bytes([2]) * 16


@pytest.mark.parametrize(
    ("name", "content", "metadata", "message"),
    [
        ("a.json", as_json(ROWS), {"hash_count": 5, "hash_size": 16}, "Expected 5 encodings, got 4"),
        ("a.json", as_json(ROWS), {"hash_count": 3, "hash_size": 16}, "Expected 3 encodings, got more"),
        ("a.json", as_json(ROWS), {"hash_count": 4, "hash_size": 8}, "at most 8 bytes .*got 16 at record 0"),
        ("a.json", as_json(ROWS), {"hash_count": 3, "hash_size": 8}, "at most 8 bytes .*got 16 at record 0"),
        ("a.json", b'{"clks": []}', {"hash_count": 4, "hash_size": 16}, "Missing CLKs information"),
        ("a.bin", bytes(63), {"hash_count": 4, "hash_size": 16}, "64 bytes in all; got 63 bytes"),
        ("a.bin", bytes(64), {"hash_count": 4, "hash_size": 12}, "multiple of 8 bytes"),
        ("a.bin", bytes(64), {"hash_size": 16}, "metadata 'hash-count' .* must be a number from 1"),
        ("a.bin", bytes(64), {"hash_count": 4}, "metadata 'hash-size' .* must be a number from 1"),
        ("a.bin", bytes(64), {"hash_count": "-4", "hash_size": 16}, "metadata 'hash-count'"),
        ("a.bin", b"", {"hash_count": 0, "hash_size": 16}, "metadata 'hash-count'"),
        ("a.bin", b"", {"hash_count": 2**31, "hash_size": 16}, "metadata 'hash-count'"),
    ],
)
def test_a_file_that_is_not_what_its_metadata_says_is_refused(provider, name, content, metadata, message):
    upload = refer(provider, put(provider, name, content, **metadata))

    with pytest.raises(PermanentError, match=message):
        ingest({"upload_id": upload.upload_id}, None)


@pytest.mark.parametrize("part", ["encodings", "blocks"])
@pytest.mark.parametrize(
    "place",
    [
        ("data", "{own}/a"),
        ("elsewhere", "{own}/a"),
        ("upload", "{other}/a"),
        ("upload", "{own}2/a"),
        ("upload", "{own}"),
        ("upload", "{own}/../{other_dp}/a"),
        ("upload", "/{own}/a"),
    ],
    ids=lambda place: " ".join(place),
)
def test_another_s_file_is_neither_read_nor_deleted(place, part):
    project_id, (provider, other) = new_project(uses_blocking=part == "blocks")
    bucket, template = place
    own, others = (layout.party_folder(project_id, party.dp_id) for party in (provider, other))
    path = template.format(own=own, other=others, other_dp=other.dp_id)
    file = {"file": {"bucket": bucket, "path": path}}
    if bucket != "elsewhere":
        clients.s3().put_object(
            Bucket=bucket, Key=path, Body=bytes(64), Metadata={"hash-count": "4", "hash-size": "16"}
        )
    parts = {"encodings": put(provider, "mine", bytes(64), hash_count=4, hash_size=16), part: file}
    upload = refer(provider, **parts)

    with pytest.raises(PermanentError, match=r"^Provided object store path is not allowed$"):
        ingest({"upload_id": upload.upload_id}, None)
    reject({"upload_id": upload.upload_id, "error": permanent("no")}, None)

    assert bucket == "elsewhere" or objects.exists(bucket, path)
    assert not objects.exists("data", upload.object_key)


def test_a_missing_file_is_told(provider):
    path = f"{layout.party_folder(provider.project_id, provider.dp_id)}/missing"
    upload = refer(provider, {"file": {"bucket": "upload", "path": path}})

    with pytest.raises(PermanentError, match="not there"):
        ingest({"upload_id": upload.upload_id}, None)


def test_a_rejected_reference_leaves_nothing_of_the_party():
    _, (provider, _) = new_project(uses_blocking=True)
    encodings = put(provider, "a", bytes(64), hash_count=4, hash_size=16)
    blocks = put(provider, "b", b'{"blocks": {"9": ["x"]}}')
    upload = refer(provider, encodings, blocks=blocks)

    with pytest.raises(PermanentError, match="names record 9, but there are 4 records"):
        ingest({"upload_id": upload.upload_id}, None)
    for _ in range(2):
        reject({"upload_id": upload.upload_id, "error": permanent("no")}, None)

    assert not list(objects.list_keys("upload", ""))
    assert not list(objects.list_keys("data", ""))


def test_a_foreign_file_is_left_alone_and_needs_credentials(provider, override_settings):
    override_settings(ALLOW_PRIVATE_OBJECT_STORES="true")
    with foreign_store() as store:
        reference = store.put("a", bytes(64), hash_count=4, hash_size=16)
        upload = refer(provider, {"file": reference["file"]})
        with pytest.raises(PermanentError, match="needs the 'credentials'"):
            ingest({"upload_id": upload.upload_id}, None)
        reject({"upload_id": upload.upload_id, "error": permanent("no")}, None)
        upload = refer(provider, reference)

        ingest({"upload_id": upload.upload_id}, None)

        assert store.objects
        assert encodings_of(upload) == bytes(64)


@pytest.mark.parametrize(
    ("uses_blocking", "body", "message"),
    [
        (False, {"blocks": {"0": ["a"]}}, "^Blocking has been disabled for this project"),
        (True, {}, "^Expecting blocking information: either in 'blocks' or 'clknblocks'$"),
    ],
)
def test_blocks_come_exactly_where_the_project_uses_them(uses_blocking, body, message):
    _, (provider, _) = new_project(uses_blocking=uses_blocking)
    upload = refer(provider, put(provider, "a", bytes(64), hash_count=4, hash_size=16), **body)

    with pytest.raises(PermanentError, match=message):
        ingest({"upload_id": upload.upload_id}, None)


def permanent(message: str) -> dict[str, str]:
    return {"Error": "PermanentError", "Cause": json.dumps({"errorMessage": message})}
