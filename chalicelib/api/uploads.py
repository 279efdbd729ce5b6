"""Uploads in one request: encodings in its body, as JSON or as raw bytes, or the places where they lie.

The body is kept as it came and ingested afterwards, so the answer doesn't wait for it. A party's
lock is held from before the checks that depend on the project until ingestion has begun: whatever
fails in between leaves no object behind and the token free.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from chalice.app import Blueprint, Response

from chalicelib.api import work
from chalicelib.api.authorisation import party
from chalicelib.api.encodings_body import read_offer
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response
from chalicelib.api.upload_checks import check_blocking, check_encoding_size
from chalicelib.api.upload_lock import held
from chalicelib.config import settings
from chalicelib.errors import BadRequest, Forbidden, Gone
from chalicelib.storage import layout, objects, uploads
from chalicelib.storage.projects import DataProvider
from chalicelib.storage.references import File, is_foreign, is_in_folder_of
from chalicelib.storage.tokens import Token, new_id, new_token
from chalicelib.storage.uploads import NewUpload

routes = Blueprint(__name__)

# A request that died takes its token with it for no longer than this.
_LIFETIME = timedelta(minutes=15)


@endpoint(routes, "POST", "/projects/{project_id}/clks")
def post_clks(request: Request, project_id: str) -> Response:
    offer = read_offer(request.json("EncodingsUpload"))
    project, provider = party(request, project_id)
    body = request.json_text()
    upload = _new_upload(provider, offer.format, body)
    with held(upload, _LIFETIME):
        check_blocking(project, has_blocks=offer.has_blocks)
        for file in offer.files:
            _check_place(file, provider)
        if offer.is_empty:
            raise BadRequest("Missing CLKs information")
        receipt = _store(upload, body)
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
    with held(upload, _LIFETIME):
        check_blocking(project, has_blocks=False)
        check_encoding_size(size, project.encoding_size_bytes)
        receipt = _store(upload, body)
    return _accepted(upload, receipt)


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


def _check_place(file: File, provider: DataProvider) -> None:
    if not is_foreign(file) and not is_in_folder_of(file, provider.project_id, provider.dp_id):
        raise Forbidden("Provided object store path is not allowed")


def _check_count(count: int) -> None:
    if not 1 <= count < 2**31:
        raise BadRequest(f"The header parameter 'Hash-Count' must be from 1 to {2**31 - 1}")
