from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.encodings import Header
from chalicelib.storage import cache, copying, layout, objects, projects, runs, uploads
from chalicelib.workflow.failures import reject
from chalicelib.workflow.ingest import ingest
from tests.unit.factories import begun_upload, linked_encodings, new_project

pytestmark = pytest.mark.usefixtures("service")

ROWS = linked_encodings(1, (40, 40))[0]


def test_binary_and_json_uploads_store_the_same_encodings():
    project_id, (first, second) = new_project()
    binary = uploaded(first, ROWS.tobytes(), format="binary", encodings_count=40)
    text = uploaded(second, as_json(ROWS), format="json", encodings_count=None, encoding_size_bytes=None)

    ingest({"upload_id": binary.upload_id}, None)
    ingest({"upload_id": text.upload_id}, None)

    assert stored(project_id, binary) == stored(project_id, text) == ROWS.tobytes()
    assert header(project_id, binary) == header(project_id, text)
    assert [dataset.count for dataset in projects.datasets(project_id)] == [40, 40]


def test_the_raw_upload_is_deleted_after_ingestion():
    _, (provider, _) = new_project()
    upload = uploaded(provider, ROWS.tobytes(), encodings_count=40)

    ingest({"upload_id": upload.upload_id}, None)

    assert not objects.exists("data", upload.object_key)


def test_ingesting_twice_changes_nothing():
    project_id, (provider, _) = new_project()
    upload = uploaded(provider, ROWS.tobytes(), encodings_count=40)

    ingest({"upload_id": upload.upload_id}, None)
    ingest({"upload_id": upload.upload_id}, None)

    assert stored(project_id, upload) == ROWS.tobytes()
    assert len(projects.datasets(project_id)) == 1


def test_a_lie_about_the_count_is_told_with_both_numbers():
    _, (provider, _) = new_project()
    upload = uploaded(provider, ROWS.tobytes(), encodings_count=41)

    with pytest.raises(PermanentError, match="5248 bytes in all; got 5120 bytes"):
        ingest({"upload_id": upload.upload_id}, None)


@pytest.fixture
def copied(override_settings, monkeypatch) -> None:
    """No data set is small enough for the cache, so a binary one is copied; nothing reads its bytes."""
    override_settings(CACHED_DATASET_MAX_BYTES="0")
    monkeypatch.setattr(objects, "open_object", None)


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize("part_bytes", [5 * 2**20, 2**30], ids=["in parts", "at once"])
def test_a_large_binary_upload_is_copied_byte_for_byte(monkeypatch, part_bytes):
    monkeypatch.setattr(copying, "AT_ONCE_BYTES", part_bytes)
    monkeypatch.setattr(copying, "PART_BYTES", part_bytes)
    project_id, (provider, _) = new_project()
    rows = np.random.default_rng(1).integers(0, 256, (90_000, 128), dtype=np.uint8)
    upload = uploaded(provider, rows.tobytes(), encodings_count=len(rows))

    for _ in range(2):
        ingest({"upload_id": upload.upload_id}, None)

    assert stored(project_id, upload) == rows.tobytes()
    assert header(project_id, upload) == Header(90_000, 90_000, 128)
    assert not objects.exists("data", upload.object_key)
    assert cache.get_encodings(provider.dp_id, upload.upload_id) is None


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize(
    ("count", "size", "message"),
    [
        (41, 128, "5248 bytes in all; got 5120 bytes"),
        (39, 128, "4992 bytes in all; got 5120 bytes"),
        (40, 127, "multiple of 8 bytes"),
        (1, 5120, "out of configured bounds"),
    ],
)
def test_a_lie_about_an_upload_is_told_before_it_is_copied(count, size, message):
    project_id, (provider, _) = new_project()
    upload = uploaded(provider, ROWS.tobytes(), encodings_count=count, encoding_size_bytes=size)

    with pytest.raises(PermanentError, match=message):
        ingest({"upload_id": upload.upload_id}, None)

    assert not objects.exists("data", layout.encodings(project_id, upload.upload_id))


@pytest.mark.usefixtures("copied")
def test_a_large_upload_whose_object_is_gone_is_a_permanent_error():
    _, (provider, _) = new_project()
    upload = begun_upload(provider, size_bytes=5120, encodings_count=40)

    with pytest.raises(PermanentError, match="not there"):
        ingest({"upload_id": upload.upload_id}, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"clks": []}', "Missing CLKs"),
        (b'{"clks": ["AAAA', "truncated"),
        (
            json.dumps({"clks": [base64.b64encode(bytes(n)).decode() for n in (8, 8, 16)]}).encode(),
            "record 2",
        ),
        (json.dumps({"clks": [base64.b64encode(bytes(12)).decode()]}).encode(), "multiple of 8 bytes"),
        (json.dumps({"clks": [base64.b64encode(bytes(4096)).decode()]}).encode(), "out of configured bounds"),
    ],
    ids=["empty", "truncated", "different sizes", "not a multiple of 8", "too large"],
)
def test_bad_encodings_are_a_permanent_error_with_a_reason(body, message):
    _, (provider, _) = new_project()
    upload = uploaded(provider, body, format="json", encodings_count=None, encoding_size_bytes=None)

    with pytest.raises(PermanentError, match=message):
        ingest({"upload_id": upload.upload_id}, None)


def test_a_rejected_upload_leaves_no_object_and_its_token_serves_again():
    project_id, (provider, _) = new_project()
    upload = uploaded(provider, b'{"clks": []}', format="json")

    reject({"upload_id": upload.upload_id, "error": permanent("Missing CLKs information")}, None)

    assert list(objects.list_keys("data", layout.project_prefix(project_id))) == []
    assert projects.data_providers(project_id)[0].error == "Missing CLKs information"
    begun_upload(provider)


def test_an_unforeseen_failure_tells_a_reference_and_nothing_else():
    project_id, (provider, _) = new_project()
    upload = uploaded(provider, ROWS.tobytes())
    cause = json.dumps({"errorMessage": "host=10.0.0.1 password=hunter2", "errorType": "OperationalError"})

    reject({"upload_id": upload.upload_id, "error": {"Error": "OperationalError", "Cause": cause}}, None)

    error = projects.data_providers(project_id)[0].error
    assert "Reference" in error
    assert "hunter2" not in error


def test_the_last_data_set_starts_the_runs_that_waited(started):
    project_id, (first, second) = new_project()
    run = runs.create(project_id, threshold=0.9, name="", notes="")
    ingest({"upload_id": uploaded(first, ROWS.tobytes(), encodings_count=40).upload_id}, None)
    assert ("link", run.run_id, 1) not in started

    ingest({"upload_id": uploaded(second, ROWS.tobytes(), encodings_count=40).upload_id}, None)

    assert started == [("link", run.run_id, 1)]


def test_ingesting_for_a_deleted_project_leaves_nothing(monkeypatch):
    project_id, (provider, _) = new_project()
    upload = uploaded(provider, ROWS.tobytes(), encodings_count=40)
    accept = uploads.accept

    def deleted_just_before(*args):
        projects.mark_deleted(project_id)
        accept(*args)

    monkeypatch.setattr(uploads, "accept", deleted_just_before)
    with pytest.raises(Gone):
        ingest({"upload_id": upload.upload_id}, None)

    assert list(objects.list_keys("data", layout.project_prefix(project_id))) == []
    assert cache.get_encodings(provider.dp_id, upload.upload_id) is None


@pytest.mark.parametrize(("count", "size"), [(41, 128), (39, 128), (40, 64)])
def test_what_was_declared_of_a_json_upload_must_be_true(count, size):
    _, (provider, _) = new_project()
    declared = {"encodings_count": count, "encoding_size_bytes": size}
    upload = uploaded(provider, as_json(ROWS), format="json", **declared)

    with pytest.raises(PermanentError, match=rf"{count} encodings, got|expected {size} bytes"):
        ingest({"upload_id": upload.upload_id}, None)


def test_a_blocked_project_takes_no_encodings_without_blocks():
    _, (provider, _) = new_project(uses_blocking=True)
    upload = uploaded(provider, ROWS.tobytes(), encodings_count=40)

    with pytest.raises(PermanentError, match=r"^Expecting blocking information"):
        ingest({"upload_id": upload.upload_id}, None)


def test_ingesting_blocks_again_after_dying_before_the_end_stores_the_same(monkeypatch):
    project_id, (provider, _) = new_project(uses_blocking=True)
    rows = [base64.b64encode(row.tobytes()).decode() for row in ROWS]
    body = json.dumps({"clknblocks": [[row, f"b{i % 7}"] for i, row in enumerate(rows)]}).encode()
    upload = uploaded(provider, body, format="json", encodings_count=None, encoding_size_bytes=None)

    def lose_connection(*_):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "accept", lose_connection)
        with pytest.raises(ConnectionError):
            ingest({"upload_id": upload.upload_id}, None)
    keys = set(objects.list_keys("data", ""))
    first = stored(project_id, upload)

    ingest({"upload_id": upload.upload_id}, None)

    assert stored(project_id, upload) == first
    assert set(objects.list_keys("data", "")) == keys - {upload.object_key}


def uploaded(provider: projects.DataProvider, body: bytes, **fields: object) -> uploads.NewUpload:
    upload = begun_upload(provider, size_bytes=len(body), **fields)
    objects.put(upload.bucket, upload.object_key, body)
    return upload


def as_json(rows) -> bytes:
    return json.dumps({"clks": [base64.b64encode(row.tobytes()).decode() for row in rows]}).encode()


def stored(project_id: str, upload: uploads.NewUpload) -> bytes:
    return objects.get("data", layout.encodings(project_id, upload.upload_id))


def header(project_id: str, upload: uploads.NewUpload) -> Header:
    return Header(**json.loads(objects.get("data", layout.header(project_id, upload.upload_id))))


def permanent(message: str) -> dict[str, str]:
    return {"Error": "PermanentError", "Cause": json.dumps({"errorMessage": message})}
