"""The same encodings and blocks are the same stored bytes, whatever route and form they came by."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.linkage.encodings import Header
from chalicelib.storage import cache, clients, layout, objects, uploads
from chalicelib.storage.projects import DataProvider
from chalicelib.workflow.ingest import ingest
from tests.unit.factories import begun_upload, new_project
from tests.unit.foreign_store import ForeignStore, foreign_store

pytestmark = pytest.mark.usefixtures("service")

Rows = list[bytes]
Blocks = list[list[str]]
Route = Callable[[DataProvider, Rows, Blocks], uploads.NewUpload]
FILES = ("encodings", "rows", "blocks", "header")


@pytest.fixture
def store(override_settings, service) -> Iterator[ForeignStore]:
    override_settings(ALLOW_PRIVATE_OBJECT_STORES="true")
    with foreign_store() as store:
        yield store


def put(provider: DataProvider, body: bytes, **fields: Any) -> uploads.NewUpload:
    upload = begun_upload(provider, size_bytes=len(body), **fields)
    objects.put(upload.bucket, upload.object_key, body)
    return upload


def post(provider: DataProvider, document: object, form: str = "json") -> uploads.NewUpload:
    body = json.dumps(document).encode()
    return put(provider, body, format=form, encodings_count=None, encoding_size_bytes=None)


def binary(provider: DataProvider, rows: Rows, **fields: Any) -> uploads.NewUpload:
    declared = {"encodings_count": len(rows), "encoding_size_bytes": len(rows[0])}
    return put(provider, b"".join(rows), **declared, **fields)


def texts(rows: Rows) -> list[str]:
    return [base64.b64encode(row).decode() for row in rows]


def by_index(blocks: Blocks) -> dict[str, list[str]]:
    return {str(record): names for record, names in reversed(list(enumerate(blocks))) if names}


def blocks_file(blocks: Blocks) -> bytes:
    return json.dumps({"meta": {"blocks": 1}, "blocks": by_index(blocks)}).encode()


def with_blocks_file(provider: DataProvider, rows: Rows, blocks: Blocks, form: str) -> uploads.NewUpload:
    key = layout.direct_upload_blocks(provider.project_id, provider.dp_id, "file")
    objects.put("data", key, blocks_file(blocks))
    if form == "binary":
        return binary(provider, rows, blocks_key=key)
    body = json.dumps({"clks": texts(rows)}).encode()
    declared = {"encodings_count": len(rows), "encoding_size_bytes": len(rows[0])}
    return put(provider, body, format="json", blocks_key=key, **declared)


def own_folder(provider: DataProvider, name: str, content: bytes, rows: Rows | None = None) -> dict[str, Any]:
    path = f"{layout.party_folder(provider.project_id, provider.dp_id)}/{name}"
    metadata = {"hash-count": str(len(rows)), "hash-size": str(len(rows[0]))} if rows else {}
    clients.s3().put_object(Bucket="upload", Key=path, Body=content, Metadata=metadata)
    return {"file": {"bucket": "upload", "path": path}}


def reference(name: str) -> Route:
    def route(provider: DataProvider, rows: Rows, blocks: Blocks) -> uploads.NewUpload:
        document: dict[str, Any] = {"encodings": texts(rows)}
        if name == "with blocks.json":
            document["blocks"] = by_index(blocks)
        # What follows count * size raw bytes is not read.
        content = json.dumps(document).encode() if name.endswith(".json") else b"".join(rows) + b"more"
        body = {"encodings": own_folder(provider, name, content, rows)}
        if name == "encodings.json":
            body["blocks"] = own_folder(provider, "blocks.json", blocks_file(blocks))
        elif name == "encodings.bin":
            body["blocks"] = by_index(blocks)
        return post(provider, body, "reference")

    return route


def foreign(store: ForeignStore) -> Route:
    def route(provider: DataProvider, rows: Rows, blocks: Blocks) -> uploads.NewUpload:
        encodings = store.put("encodings", b"".join(rows), hash_count=len(rows), hash_size=len(rows[0]))
        body = {"encodings": encodings, "blocks": store.put("blocks", blocks_file(blocks))}
        return post(provider, body, "reference")

    return route


BLOCKED: dict[str, Route] = {
    "clknblocks": lambda provider, rows, blocks: post(
        provider,
        {"clknblocks": [[row, *names] for row, names in zip(texts(rows), blocks, strict=True)]},
    ),
    "encodings, blocks": lambda provider, rows, blocks: post(
        provider, {"encodings": texts(rows), "blocks": by_index(blocks)}
    ),
    "blocks, encodings": lambda provider, rows, blocks: post(
        provider, {"blocks": by_index(blocks), "encodings": texts(rows)}
    ),
    "binary and file": lambda *data: with_blocks_file(*data, "binary"),
    "JSON and file": lambda *data: with_blocks_file(*data, "json"),
    "reference to JSON and file": reference("encodings.json"),
    "reference to JSON with blocks": reference("with blocks.json"),
    "reference to raw, blocks inline": reference("encodings.bin"),
}
UNBLOCKED: dict[str, Route] = {
    "clks": lambda provider, rows, _: post(provider, {"x": [{"clks": 1}], "clks": texts(rows)}),
    "encodings": lambda provider, rows, _: post(provider, {"encodings": texts(rows)}),
    "binary": lambda provider, rows, _: binary(provider, rows),
    "reference to JSON": lambda provider, rows, _: reference("plain.json")(provider, rows, []),
    "reference to raw": lambda provider, rows, _: reference("plain")(provider, rows, []),
}

names = st.sampled_from(["a", "b", "é", "2600", ""])
data_sets = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.lists(st.binary(min_size=16, max_size=16), min_size=count, max_size=count),
        st.lists(st.lists(names, max_size=4), min_size=count, max_size=count),
    )
)


def stored(
    route: Route, rows: Rows, blocks: Blocks, *, uses_blocking: bool, is_cached: bool = True
) -> dict[str, bytes]:
    """What this route leaves in the data bucket, by file; nothing else may be left anywhere."""
    project_id, (provider, _) = new_project(uses_blocking=uses_blocking)
    upload = route(provider, rows, blocks)

    ingest({"upload_id": upload.upload_id}, None)

    assert not list(objects.list_keys("upload", ""))
    names = FILES if uses_blocking else ("encodings", "header")
    keys = {name: getattr(layout, name)(project_id, upload.upload_id) for name in names}
    assert set(objects.list_keys("data", "")) == set(keys.values())
    files = {name: objects.get("data", key) for name, key in keys.items()}
    files_in_cache = {name: content for name, content in files.items() if name != "header"}
    expected = {"upload_id": upload.upload_id, **files_in_cache} if is_cached else None
    assert cache.get_encodings(provider.dp_id, upload.upload_id) == expected
    objects.delete_prefix("data", "")
    return files


some_examples = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@some_examples
@given(data_sets)
def test_every_route_stores_the_same_bytes_in_block_order(store, data_set):
    routes = {**BLOCKED, "foreign": foreign(store)}
    files = {name: stored(route, *data_set, uses_blocking=True) for name, route in routes.items()}

    assert all(of_route == files["clknblocks"] for of_route in files.values()), files
    header = Header(**json.loads(files["clknblocks"]["header"]))
    assert header.count == len(data_set[0])
    assert header.stored_rows == sum(len(set(names)) for names in data_set[1])


@some_examples
@given(data_sets)
def test_every_route_stores_the_same_bytes_in_record_order(data_set):
    files = {name: stored(route, *data_set, uses_blocking=False) for name, route in UNBLOCKED.items()}

    assert all(of_route == files["binary"] for of_route in files.values()), files
    assert files["binary"]["encodings"] == b"".join(data_set[0])


@some_examples
@given(data_sets)
def test_so_does_every_route_of_data_sets_that_are_too_large_for_the_cache(override_settings, data_set):
    files = {}
    for room in ("1048576", "0"):
        override_settings(CACHED_DATASET_MAX_BYTES=room)
        for name, route in UNBLOCKED.items():
            files[name, room] = stored(route, *data_set, uses_blocking=False, is_cached=room != "0")

    assert all(of_route == files["clks", "0"] for of_route in files.values()), files


def test_a_data_set_larger_than_the_cache_s_share_is_not_cached(override_settings):
    override_settings(CACHED_DATASET_MAX_BYTES="31")
    _, (provider, _) = new_project()
    upload = binary(provider, [bytes(16), bytes(16)])

    ingest({"upload_id": upload.upload_id}, None)

    assert cache.get_encodings(provider.dp_id, upload.upload_id) is None
