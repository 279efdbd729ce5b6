from __future__ import annotations

import pytest

from chalicelib.api import direct_upload_files
from chalicelib.storage import clients, direct_uploads, objects, projects, uploads
from chalicelib.storage.tokens import token_hash
from tests.unit.factories import create_project

pytestmark = pytest.mark.usefixtures("service")

MEBIBYTE = 1024 * 1024
SMALL = {"format": "binary", "bytes": 640, "count": 5, "encoding_size": 128}


class Party:
    """The first party of a project, with its verbs."""

    def __init__(self, api, *, uses_blocking: bool = False) -> None:
        self.api = api
        self.project = create_project(uses_blocking=uses_blocking)
        self.path = f"/projects/{self.project.project_id}/uploads"
        self.token = self.project.update_tokens[0]

    def begin(self, body=SMALL):
        return self.api.call("POST", self.path, self.token, json=body)

    def get(self, upload_id: str, **query: str):
        return self.api.call("GET", f"{self.path}/{upload_id}", self.token, query=query)

    def complete(self, upload_id: str):
        return self.api.call("POST", f"{self.path}/{upload_id}/complete", self.token, json={})

    def abort(self, upload_id: str):
        return self.api.call("DELETE", f"{self.path}/{upload_id}", self.token)

    @property
    def provider(self) -> projects.DataProvider:
        return projects.data_providers(self.project.project_id)[0]


@pytest.fixture
def party(api) -> Party:
    return Party(api)


@pytest.fixture
def blocking_party(api) -> Party:
    return Party(api, uses_blocking=True)


@pytest.fixture
def small_parts(monkeypatch) -> None:
    """Parts of the least size that S3 takes, so that few bytes make several."""
    monkeypatch.setattr(direct_uploads, "SINGLE_PUT_MAX_BYTES", 5 * MEBIBYTE)
    monkeypatch.setattr(direct_uploads, "_PART_MIN_BYTES", 5 * MEBIBYTE)


LARGE = {"format": "json", "bytes": 11 * MEBIBYTE}


def put_part(upload_id: str, number: int, size: int) -> None:
    upload = uploads.find(upload_id)
    address = {"Bucket": upload.bucket, "Key": upload.object_key, "UploadId": upload.multipart_id}
    clients.s3().upload_part(**address, PartNumber=number, Body=bytes(size))


def put_object(upload_id: str, size: int) -> None:
    upload = uploads.find(upload_id)
    objects.put(upload.bucket, upload.object_key, bytes(size))


def test_a_small_file_is_one_put_with_its_size_signed(party):
    answer = party.begin()

    (part,) = answer.json["parts"]
    assert (answer.status, part["bytes"], part["headers"]) == (201, 640, {"Content-Length": "640"})
    assert "content-length" in part["url"]


def test_a_large_file_is_several_parts(party, small_parts):
    answer = party.begin(LARGE)

    assert answer.json["part_size"] == 5 * MEBIBYTE
    assert [part["bytes"] // MEBIBYTE for part in answer.json["parts"]] == [5, 5, 1]
    assert "next" not in answer.json


def test_the_parts_of_a_huge_file_come_in_pages(party):
    begun = party.begin({"format": "json", "bytes": 250 * 64 * MEBIBYTE}).json
    numbers, page = [part["number"] for part in begun["parts"]], begun

    while "next" in page:
        page = party.get(begun["upload_id"], after=page["next"].partition("?after=")[2]).json
        numbers += [part["number"] for part in page["missing"]]

    assert len(begun["parts"]) == direct_upload_files.PARTS_PAGE
    assert numbers == list(range(1, 251))


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"format": "csv"}, "body.format must be one of"),
        ({"bytes": 0}, "body.bytes must be bigger"),
        ({"bytes": 2**63}, "body.bytes must be smaller"),
        ({"count": 2**31}, "body.count must be smaller"),
        ({"count": None}, "body.count must be integer"),
        ({"bytes": 641}, "5 encodings of 128 bytes are 640 bytes, not 641"),
        ({"encoding_size": 127}, "multiple of 8"),
        ({"encoding_size": 4096, "bytes": 20480}, "out of configured bounds"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_uploaded(party, change, detail):
    answer = party.begin({**SMALL, **change})

    assert answer.status == 400
    assert detail in answer.detail
    assert party.begin().status == 201


def test_a_binary_upload_declares_its_count_and_size(party):
    answer = party.begin({"format": "binary", "bytes": 640})

    assert (answer.status, answer.detail) == (400, "body must contain ['count', 'encoding_size'] properties")


def test_a_pending_upload_holds_the_token(party):
    party.begin()

    assert party.begin().detail == "This token has already been used to upload clks."


def test_completing_begins_ingestion(party, started):
    upload_id = party.begin().json["upload_id"]
    put_object(upload_id, 640)

    answer = party.complete(upload_id)

    assert answer.status == 201
    assert started == [("ingest", upload_id, 1)]
    assert party.get(upload_id).json == {"upload_id": upload_id, "state": "ingesting", "missing": []}


@pytest.mark.parametrize("size", [None, 639, 641])
def test_a_file_that_is_not_there_with_its_size_cannot_be_completed(party, started, size):
    upload_id = party.begin().json["upload_id"]
    if size:
        put_object(upload_id, size)

    answer = party.complete(upload_id)

    assert (answer.status, answer.detail) == (400, "Parts are missing or not of their declared size: 1")
    assert started == []
    put_object(upload_id, 640)
    assert party.complete(upload_id).status == 201


def test_missing_parts_are_named_and_a_resumed_upload_completes(party, small_parts):
    upload_id = party.begin(LARGE).json["upload_id"]
    put_part(upload_id, 2, 5 * MEBIBYTE)
    put_part(upload_id, 3, 5)

    refused, resumed = party.complete(upload_id), party.get(upload_id).json

    assert refused.detail == "Parts are missing or not of their declared size: 1, 3"
    assert [part["number"] for part in resumed["missing"]] == [1, 3]
    for part in resumed["missing"]:
        put_part(upload_id, part["number"], part["bytes"])
    assert party.get(upload_id).json["missing"] == []
    assert party.complete(upload_id).status == 201
    assert objects.size_of("upload", uploads.find(upload_id).object_key) == 11 * MEBIBYTE


def test_completing_again_gives_a_new_receipt_token_and_the_old_one_dies(party, started):
    upload_id = party.begin().json["upload_id"]
    put_object(upload_id, 640)

    first, second = party.complete(upload_id), party.complete(upload_id)

    assert (first.status, second.status, len(started)) == (201, 201, 1)
    assert receipt_hash(upload_id) == token_hash(second.json["receipt_token"])


def test_completing_again_after_a_crash_behind_the_assembly_carries_on(party, small_parts, monkeypatch):
    upload_id = party.begin(LARGE).json["upload_id"]
    for number, size in enumerate((5, 5, 1), start=1):
        put_part(upload_id, number, size * MEBIBYTE)
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "begin_ingestion", lambda *_: 1 / 0)
        assert party.complete(upload_id).status == 500

    assert party.get(upload_id).json["missing"] == []
    assert party.complete(upload_id).status == 201


def test_a_refused_upload_cannot_be_completed_and_tells_why(party):
    upload_id = party.begin().json["upload_id"]
    put_object(upload_id, 640)
    party.complete(upload_id)
    uploads.reject(upload_id, "expected 128 bytes")

    assert party.complete(upload_id).detail == "This upload was refused: expected 128 bytes"
    assert party.get(upload_id).json["message"] == "expected 128 bytes"


@pytest.mark.parametrize("body", [SMALL, {"format": "json", "bytes": 100 * MEBIBYTE}], ids=["one", "parts"])
def test_an_aborted_upload_frees_the_token_and_leaves_nothing(party, body):
    upload_id = party.begin(body).json["upload_id"]
    put_object(upload_id, 640)

    assert party.abort(upload_id).status == 204

    assert list(objects.list_keys("upload", "")) == []
    assert clients.s3().list_multipart_uploads(Bucket="upload").get("Uploads", []) == []
    assert party.abort(upload_id).status == 403
    assert party.begin().status == 201


def test_a_complete_upload_cannot_be_taken_back(party):
    upload_id = party.begin().json["upload_id"]
    put_object(upload_id, 640)
    party.complete(upload_id)

    assert party.abort(upload_id).status == 400


def test_a_failure_at_the_beginning_frees_the_token_and_leaves_nothing(party, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(direct_uploads, "sign_parts", lambda *_: 1 / 0)
        assert party.begin({"format": "json", "bytes": 100 * MEBIBYTE}).status == 500

    assert clients.s3().list_multipart_uploads(Bucket="upload").get("Uploads", []) == []
    assert party.begin().status == 201


def test_another_party_of_the_same_project_sees_nothing_of_an_upload(party):
    upload_id = party.begin().json["upload_id"]

    party.token = party.project.update_tokens[1]

    for answer in (party.get(upload_id), party.complete(upload_id), party.abort(upload_id)):
        assert answer.status == 403


WITH_BLOCKS = {**SMALL, "blocks": {"bytes": 20}}


def put_blocks(upload_id: str, size: int) -> None:
    upload = uploads.find(upload_id)
    objects.put(upload.bucket, upload.blocks_key, bytes(size))


def test_a_blocks_file_is_one_more_put_with_its_size_signed(blocking_party):
    answer = blocking_party.begin(WITH_BLOCKS)

    assert answer.status == 201
    blocks = answer.json["blocks"]
    assert (blocks["bytes"], blocks["method"], blocks["headers"]) == (20, "PUT", {"Content-Length": "20"})
    assert "content-length" in blocks["url"]
    assert ".blocks?" in blocks["url"]


@pytest.mark.parametrize("size", [None, 19, 21])
def test_an_upload_is_complete_only_with_its_blocks_file(blocking_party, started, size):
    upload_id = blocking_party.begin(WITH_BLOCKS).json["upload_id"]
    put_object(upload_id, 640)
    if size:
        put_blocks(upload_id, size)

    refused, resumed = blocking_party.complete(upload_id), blocking_party.get(upload_id).json

    assert refused.status == 400
    assert refused.detail == "Parts are missing or not of their declared size: the blocks file"
    assert (resumed["missing"], resumed["blocks"]["bytes"]) == ([], 20)
    assert started == []
    put_blocks(upload_id, 20)
    assert "blocks" not in blocking_party.get(upload_id).json
    assert blocking_party.complete(upload_id).status == 201


def test_parts_and_blocks_file_are_named_together(blocking_party, small_parts):
    upload_id = blocking_party.begin({**LARGE, "blocks": {"bytes": 20}}).json["upload_id"]
    put_part(upload_id, 2, 5 * MEBIBYTE)

    answer = blocking_party.complete(upload_id)

    assert answer.detail == "Parts are missing or not of their declared size: 1, 3, the blocks file"


def test_an_aborted_upload_leaves_no_blocks_file(blocking_party):
    upload_id = blocking_party.begin(WITH_BLOCKS).json["upload_id"]
    put_blocks(upload_id, 20)

    assert blocking_party.abort(upload_id).status == 204

    assert list(objects.list_keys("upload", "")) == []
    assert blocking_party.begin(WITH_BLOCKS).status == 201


def test_blocks_come_exactly_where_the_project_uses_blocking(party, blocking_party):
    unwanted, lacking = party.begin(WITH_BLOCKS), blocking_party.begin(SMALL)

    assert (unwanted.status, lacking.status) == (403, 403)
    assert unwanted.detail.startswith("Blocking has been disabled for this project")
    assert lacking.detail.startswith("Expecting blocking information")
    assert party.begin().status == 201
    assert blocking_party.begin({"format": "json", "bytes": 640}).status == 201  # its blocks may be inside


@pytest.mark.parametrize("size", [0, 5 * 1024**3 + 1, "20"])
def test_a_blocks_file_is_at_most_what_one_put_carries(blocking_party, size):
    answer = blocking_party.begin({**SMALL, "blocks": {"bytes": size}})

    assert answer.status == 400
    assert "body.blocks.bytes must be" in answer.detail


def receipt_hash(upload_id: str) -> bytes:
    from chalicelib.storage.database import transactional

    @transactional
    def read(cursor) -> bytes:
        cursor.execute("select receipt_token_hash from data_providers where upload_id = %s", (upload_id,))
        return bytes(cursor.fetchone()["receipt_token_hash"])

    return read()
