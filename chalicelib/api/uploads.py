"""Inline uploads: encodings in the request itself, as JSON or as raw bytes.

The body is kept as it came and ingested afterwards, so the answer doesn't wait for it. A party's
lock is held from before the checks that depend on the project until ingestion has begun: whatever
fails in between leaves no object behind and the token free.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api import work
from chalicelib.api.authorisation import party
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response
from chalicelib.config import settings
from chalicelib.errors import BadRequest, Forbidden, Gone
from chalicelib.storage import layout, objects, uploads
from chalicelib.storage.projects import DataProvider
from chalicelib.storage.tokens import Token, new_id, new_token
from chalicelib.storage.uploads import NewUpload

routes = Blueprint(__name__)

TOKEN_USED = "This token has already been used to upload clks."
# A request that died takes its token with it for no longer than this.
_LIFETIME = timedelta(minutes=15)


@endpoint(routes, "POST", "/projects/{project_id}/clks")
def post_clks(request: Request, project_id: str) -> Response:
    body = request.json("EncodingsUpload")
    _check_offered(body)
    has_blocks = "clknblocks" in body or "blocks" in body
    rows: list[str] = [] if has_blocks else body["clks" if "clks" in body else "encodings"]
    _check_base64(rows)
    _, provider = party(request, project_id)
    upload = _new_upload(provider, "json", request.json_text())
    with _holding_lock(upload):
        if has_blocks:
            raise Forbidden("Blocking has been disabled for this project, but received blocking information")
        if not rows:
            raise BadRequest("Missing CLKs information")
        receipt = _store(upload, request.json_text())
    return _accepted(upload, receipt)


@endpoint(routes, "POST", "/projects/{project_id}/binaryclks", "application/octet-stream")
def post_binary_clks(request: Request, project_id: str) -> Response:
    count, size = request.number_header("Hash-Count"), request.number_header("Hash-Size")
    body = request.binary_body()
    _check_count(count)
    check_encoding_size(size)
    if len(body) != count * size:
        raise BadRequest(
            f"Expected {count} encodings of {size} bytes, {count * size} bytes in all; got {len(body)} bytes"
        )
    project, provider = party(request, project_id)
    upload = _new_upload(provider, "binary", body, count, size)
    with _holding_lock(upload):
        check_encoding_size(size, project.encoding_size_bytes)
        receipt = _store(upload, body)
    return _accepted(upload, receipt)


def check_encoding_size(size: int, expected: int | None = None) -> None:
    """Raises BadRequest unless encodings of ``size`` bytes can be linked (in a project that expects some)."""
    s = settings()
    if size % 8:
        raise BadRequest(f"Encoding size must be multiple of 8 bytes (64 bits), got {size} bytes")
    if not s.min_encoding_size_bytes <= size <= s.max_encoding_size_bytes:
        raise BadRequest(
            f"Encoding size out of configured bounds: {size} bytes, allowed are"
            f" {s.min_encoding_size_bytes} to {s.max_encoding_size_bytes}"
        )
    if expected is not None and size != expected:
        raise BadRequest(f"The encodings of this project have {expected} bytes, not {size}")


def receipt_response(receipt: Token) -> Response:
    return json_response({"message": "Updated", "receipt_token": receipt}, HTTPStatus.CREATED)


def _new_upload(
    provider: DataProvider, form: str, body: bytes, count: int | None = None, size: int | None = None
) -> NewUpload:
    upload_id = new_id()
    return NewUpload(
        upload_id=upload_id,
        dp_id=provider.dp_id,
        project_id=provider.project_id,
        format=form,
        bucket=settings().data_bucket,
        object_key=layout.inline_upload(provider.project_id, upload_id),
        size_bytes=len(body),
        encodings_count=count,
        encoding_size_bytes=size,
    )


@contextmanager
def _holding_lock(upload: NewUpload) -> Iterator[None]:
    if not uploads.take(upload, _LIFETIME):
        raise Forbidden(TOKEN_USED)
    try:
        yield
    except BaseException:
        # Once ingestion has begun there is nothing to release, and the object is its.
        if uploads.release(upload.upload_id):
            objects.delete(upload.bucket, upload.object_key)
        raise


def _store(upload: NewUpload, body: bytes) -> Token:
    objects.put(upload.bucket, upload.object_key, body)
    receipt = new_token()
    if not uploads.begin_ingestion(upload.upload_id, receipt):
        # Purged meanwhile, and the purge may have looked before the object was there.
        objects.delete(upload.bucket, upload.object_key)
        raise Gone(f"project {upload.project_id} was deleted")
    return receipt


def _accepted(upload: NewUpload, receipt: Token) -> Response:
    work.start("ingest", upload.upload_id)
    return receipt_response(receipt)


def _check_offered(body: dict[str, Any]) -> None:
    if isinstance(body.get("encodings"), dict):
        raise BadRequest(
            "Encodings in an object store are not offered by this version of the service;"
            " for large files use POST /api/v1/projects/{project_id}/uploads"
        )


def _check_count(count: int) -> None:
    if not 1 <= count < 2**31:
        raise BadRequest(f"The header parameter 'Hash-Count' must be from 1 to {2**31 - 1}")


def _check_base64(rows: list[str]) -> None:
    for number, row in enumerate(rows):
        if not _is_base64(row):
            raise BadRequest(f"The encoding in row {number} is not valid base64")


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return "\n" in text and _is_base64("".join(text.split()))  # older clients break lines
    return True
