"""Uploads of any size: the client PUTs its file straight to S3 by presigned URLs, in parts if it is large.

Nothing but sizes is agreed on beforehand, and S3 holds the client to them: each URL is signed for a
part's exact length. What has arrived is asked of S3 whenever it matters, so a client can be killed at
any point and resume with what ``GET`` says is missing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api import direct_upload_files as files
from chalicelib.api import work
from chalicelib.api.authorisation import party, party_of_upload
from chalicelib.api.direct_upload_files import Missing
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response, no_content
from chalicelib.api.upload_checks import check_blocking, check_encoding_size
from chalicelib.api.upload_lock import give_up, held
from chalicelib.api.uploads import receipt_response
from chalicelib.config import settings
from chalicelib.errors import BadRequest
from chalicelib.storage import direct_uploads, layout, uploads
from chalicelib.storage.projects import DataProvider, Project
from chalicelib.storage.tokens import new_id, new_token
from chalicelib.storage.uploads import NewUpload

routes = Blueprint(__name__)


@endpoint(routes, "POST", "/projects/{project_id}/uploads")
def begin_upload(request: Request, project_id: str) -> Response:
    body = request.json("NewUpload")
    project, provider = party(request, project_id)
    upload = _declared(body, project, provider)
    with held(upload, timedelta(seconds=settings().upload_expiry_seconds)):
        upload = _with_multipart(upload)
        page = files.addresses(upload, files.everything(upload), "parts")
    answer: dict[str, Any] = {"upload_id": upload.upload_id, "state": "pending", **page}
    if upload.part_size_bytes is not None:
        answer["part_size"] = upload.part_size_bytes
    return json_response(answer, HTTPStatus.CREATED)


@endpoint(routes, "GET", "/projects/{project_id}/uploads/{upload_id}")
def get_upload(request: Request, project_id: str, upload_id: str) -> Response:
    """What is missing of a pending upload, with fresh URLs: all that resuming needs."""
    after = request.number_query("after", 0)
    _, upload = party_of_upload(request, project_id, upload_id)
    answer: dict[str, Any] = {"upload_id": upload_id, "state": upload.state, "missing": []}
    if upload.message:
        answer["message"] = upload.message
    if upload.state == "pending":
        missing = files.missing(upload)
        wanted = Missing([number for number in missing.parts if number > after], missing.blocks)
        if wanted.anything:
            answer |= files.addresses(upload, wanted, "missing")
    return json_response(answer)


@endpoint(routes, "POST", "/projects/{project_id}/uploads/{upload_id}/complete")
def complete_upload(request: Request, project_id: str, upload_id: str) -> Response:
    """Check that all is there, and begin ingestion.

    A client that lost the answer asks again, and its receipt token is stored as a hash only. So every
    call gives out a new one and the one before dies with it: nobody but the party itself, by its
    update token, can get here, and a token that could be derived again could be derived by others.
    """
    provider, upload = party_of_upload(request, project_id, upload_id)
    if provider.upload_id != upload_id:
        raise BadRequest("This upload has expired and another has taken its place")
    if upload.state == "error":
        raise BadRequest(f"This upload was refused: {upload.message}")
    if upload.state == "pending":
        files.assemble(upload)
    receipt = new_token()
    if uploads.begin_ingestion(upload_id, receipt):
        work.start("ingest", upload_id)
    elif not uploads.renew_receipt(upload_id, receipt):
        raise BadRequest("This upload has ended meanwhile; begin another")
    return receipt_response(receipt)


@endpoint(routes, "DELETE", "/projects/{project_id}/uploads/{upload_id}")
def abort_upload(request: Request, project_id: str, upload_id: str) -> Response:
    _, upload = party_of_upload(request, project_id, upload_id)
    if not give_up(upload_id) and upload.state != "error":
        raise BadRequest("This upload is complete and cannot be taken back")
    return no_content()


def _declared(body: dict[str, Any], project: Project, provider: DataProvider) -> NewUpload:
    """What the client says it will upload. Raises BadRequest where that cannot be, Forbidden where blocks
    and project don't go together."""
    # JSON can hold its blocks itself, which shows when it is read.
    if "blocks" in body or body["format"] == "binary":
        check_blocking(project, has_blocks="blocks" in body)
    size_bytes = int(body["bytes"])
    count, size = (int(body[key]) if key in body else None for key in ("count", "encoding_size"))
    if size is not None:
        check_encoding_size(size, project.encoding_size_bytes)
    if body["format"] == "binary" and count is not None and size is not None and count * size != size_bytes:
        raise BadRequest(f"{count} encodings of {size} bytes are {count * size} bytes, not {size_bytes}")
    upload_id = new_id()
    ids = project.project_id, provider.dp_id, upload_id
    return NewUpload(
        upload_id=upload_id,
        dp_id=provider.dp_id,
        project_id=project.project_id,
        format=body["format"],
        bucket=settings().upload_bucket,
        object_key=layout.direct_upload(*ids),
        size_bytes=size_bytes,
        encodings_count=count,
        encoding_size_bytes=size,
        part_size_bytes=direct_uploads.part_size(size_bytes),
        blocks_key=layout.direct_upload_blocks(*ids) if "blocks" in body else None,
        blocks_size_bytes=int(body["blocks"]["bytes"]) if "blocks" in body else None,
    )


def _with_multipart(upload: NewUpload) -> NewUpload:
    if upload.part_size_bytes is None:
        return upload
    multipart_id = direct_uploads.begin_multipart(upload.bucket, upload.object_key)
    uploads.set_multipart(upload.upload_id, multipart_id)
    return replace(upload, multipart_id=multipart_id)
