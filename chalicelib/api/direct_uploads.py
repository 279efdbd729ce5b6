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

from chalicelib.api import work
from chalicelib.api.authorisation import party, party_of_upload
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response, no_content, timestamp
from chalicelib.api.uploads import TOKEN_USED, check_encoding_size, receipt_response
from chalicelib.config import settings
from chalicelib.errors import BadRequest, Forbidden
from chalicelib.storage import direct_uploads, layout, objects, uploads
from chalicelib.storage.direct_uploads import Part, part_sizes
from chalicelib.storage.objects import NoSuchObject
from chalicelib.storage.projects import DataProvider, Project
from chalicelib.storage.tokens import new_id, new_token
from chalicelib.storage.uploads import NewUpload, Upload

routes = Blueprint(__name__)

PARTS_PAGE = 100
_NAMED_PARTS = 20  # as many as a message lists


@endpoint(routes, "POST", "/projects/{project_id}/uploads")
def begin_upload(request: Request, project_id: str) -> Response:
    body = request.json("NewUpload")
    project, provider = party(request, project_id)
    upload = _declared(body, project, provider)
    if not uploads.take(upload, timedelta(seconds=settings().upload_expiry_seconds)):
        raise Forbidden(TOKEN_USED)
    try:
        upload = _with_multipart(upload)
        numbers = list(range(1, len(_sizes(upload)) + 1))
        page = _page(upload, numbers, "parts")
    except BaseException:
        _give_up(upload)
        raise
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
        missing = [number for number in _missing(upload, _arrived(upload)) if number > after]
        if missing:
            answer |= _page(upload, missing, "missing")
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
        _assemble(upload)
    receipt = new_token()
    if uploads.begin_ingestion(upload_id, receipt):
        work.start("ingest", upload_id)
    elif not uploads.renew_receipt(upload_id, receipt):
        raise BadRequest("This upload has ended meanwhile; begin another")
    return receipt_response(receipt)


@endpoint(routes, "DELETE", "/projects/{project_id}/uploads/{upload_id}")
def abort_upload(request: Request, project_id: str, upload_id: str) -> Response:
    _, upload = party_of_upload(request, project_id, upload_id)
    if not _give_up(upload) and upload.state != "error":
        raise BadRequest("This upload is complete and cannot be taken back")
    return no_content()


def _declared(body: dict[str, Any], project: Project, provider: DataProvider) -> NewUpload:
    """What the client says it will upload. Raises BadRequest where that cannot be."""
    size_bytes = int(body["bytes"])
    count, size = (int(body[key]) if key in body else None for key in ("count", "encoding_size"))
    if size is not None:
        check_encoding_size(size, project.encoding_size_bytes)
    if body["format"] == "binary" and count is not None and size is not None and count * size != size_bytes:
        raise BadRequest(f"{count} encodings of {size} bytes are {count * size} bytes, not {size_bytes}")
    upload_id = new_id()
    return NewUpload(
        upload_id=upload_id,
        dp_id=provider.dp_id,
        project_id=project.project_id,
        format=body["format"],
        bucket=settings().upload_bucket,
        object_key=layout.direct_upload(project.project_id, provider.dp_id, upload_id),
        size_bytes=size_bytes,
        encodings_count=count,
        encoding_size_bytes=size,
        part_size_bytes=direct_uploads.part_size(size_bytes),
    )


def _with_multipart(upload: NewUpload) -> NewUpload:
    if upload.part_size_bytes is None:
        return upload
    multipart_id = direct_uploads.begin_multipart(upload.bucket, upload.object_key)
    uploads.set_multipart(upload.upload_id, multipart_id)
    return replace(upload, multipart_id=multipart_id)


def _give_up(upload: NewUpload) -> bool:
    """Free the token, then remove what has arrived; tells whether there was something to give up."""
    if not uploads.release(upload.upload_id):
        return False
    if upload.multipart_id is not None:
        direct_uploads.abort_multipart(upload.bucket, upload.object_key, upload.multipart_id)
    objects.delete(upload.bucket, upload.object_key)
    return True


def _sizes(upload: NewUpload) -> list[int]:
    return part_sizes(upload.size_bytes, upload.part_size_bytes)


def _page(upload: NewUpload, numbers: list[int], name: str) -> dict[str, Any]:
    """The first of these parts with their URLs, and where the others are."""
    here = numbers[:PARTS_PAGE]
    parts, expires_at = direct_uploads.sign_parts(
        upload.bucket, upload.object_key, upload.multipart_id, _sizes(upload), here
    )
    page: dict[str, Any] = {name: [_as_json(part) for part in parts], "expires_at": timestamp(expires_at)}
    if len(numbers) > PARTS_PAGE:
        page["next"] = f"/api/v1/projects/{upload.project_id}/uploads/{upload.upload_id}?after={here[-1]}"
    return page


def _as_json(part: Part) -> dict[str, Any]:
    return {
        "number": part.number,
        "url": part.url,
        "method": part.method,
        "headers": part.headers,
        "bytes": part.size_bytes,
    }


Arrived = dict[int, tuple[int, str]]  # part number → (size in bytes, ETag)


def _missing(upload: Upload, arrived: Arrived) -> list[int]:
    """The numbers of the parts that are not there with their declared size."""
    return [
        number
        for number, size in enumerate(_sizes(upload), start=1)
        if number not in arrived or arrived[number][0] != size
    ]


def _arrived(upload: Upload) -> Arrived:
    """What the store has. Of parts that were put together already the ETags are gone, so they are empty."""
    whole = {number: (size, "") for number, size in enumerate(_sizes(upload), start=1)}
    if upload.multipart_id is None:
        return whole if _is_whole(upload) else {}
    try:
        return direct_uploads.uploaded_parts(upload.bucket, upload.object_key, upload.multipart_id)
    except NoSuchObject:  # put together already, by a call whose client didn't get the answer
        if _is_whole(upload):
            return whole
        raise BadRequest(
            "What was uploaded so far has expired; DELETE this upload and begin another"
        ) from None


def _is_whole(upload: Upload) -> bool:
    try:
        return objects.size_of(upload.bucket, upload.object_key) == upload.size_bytes
    except NoSuchObject:
        return False


def _assemble(upload: Upload) -> None:
    """Make one object of the parts. Raises BadRequest naming those that are missing."""
    arrived = _arrived(upload)
    missing = _missing(upload, arrived)
    if missing:
        named = ", ".join(map(str, missing[:_NAMED_PARTS]))
        more = f" and {len(missing) - _NAMED_PARTS} more" if len(missing) > _NAMED_PARTS else ""
        raise BadRequest(f"Parts are missing or not of their declared size: {named}{more}")
    etags = {number: etag for number, (_, etag) in arrived.items()}
    if upload.multipart_id is None or not all(etags.values()):
        return  # nothing to put together, or it has been done
    try:
        direct_uploads.complete_multipart(upload.bucket, upload.object_key, upload.multipart_id, etags)
    except NoSuchObject:  # another call has just done it
        if not _is_whole(upload):
            raise
