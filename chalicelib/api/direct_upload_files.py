"""The files of a direct upload: which parts have arrived, what is missing, and the URLs for that.

An upload is one file of encodings, in parts if it is large, and perhaps a file of blocks, which is always
one PUT. Nothing is remembered of what arrived: S3 is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.api.responses import timestamp
from chalicelib.errors import BadRequest
from chalicelib.storage import direct_uploads, objects
from chalicelib.storage.direct_uploads import Part, part_sizes
from chalicelib.storage.objects import NoSuchObject
from chalicelib.storage.uploads import NewUpload, Upload

PARTS_PAGE = 100
_NAMED_PARTS = 20  # as many as a message lists


@dataclass(frozen=True)
class Missing:
    """The numbers of the parts, and whether the blocks file is among what is missing."""

    parts: list[int]
    blocks: bool

    @property
    def anything(self) -> bool:
        return self.blocks or bool(self.parts)


def everything(upload: NewUpload) -> Missing:
    """All that an upload consists of, before any of it is there."""
    return Missing(list(range(1, len(_sizes(upload)) + 1)), upload.blocks_key is not None)


def missing(upload: Upload) -> Missing:
    """What isn't there with its declared size. Raises BadRequest when what was there has expired."""
    return _missing(upload, _arrived(upload))


def addresses(upload: NewUpload, wanted: Missing, name: str) -> dict[str, Any]:
    """The first of the wanted parts with their URLs, as ``name``; where the others are; the blocks file."""
    here = wanted.parts[:PARTS_PAGE]
    parts, expires_at = direct_uploads.sign_parts(
        upload.bucket, upload.object_key, upload.multipart_id, _sizes(upload), here
    )
    page: dict[str, Any] = {
        name: [{"number": part.number, **_as_json(part)} for part in parts],
        "expires_at": timestamp(expires_at),
    }
    if len(wanted.parts) > PARTS_PAGE:
        page["next"] = f"/api/v1/projects/{upload.project_id}/uploads/{upload.upload_id}?after={here[-1]}"
    blocks = _blocks(upload)
    if wanted.blocks and blocks is not None:
        key, size = blocks
        (put,), _ = direct_uploads.sign_parts(upload.bucket, key, None, [size], [1])
        page["blocks"] = _as_json(put)
    return page


def assemble(upload: Upload) -> None:
    """Make one object of the parts. Raises BadRequest naming what is missing."""
    arrived = _arrived(upload)
    absent = _missing(upload, arrived)
    if absent.anything:
        raise BadRequest(f"Parts are missing or not of their declared size: {_named(absent)}")
    etags = {number: etag for number, (_, etag) in arrived.items()}
    if upload.multipart_id is None or not all(etags.values()):
        return  # nothing to put together, or it has been done
    try:
        direct_uploads.complete_multipart(upload.bucket, upload.object_key, upload.multipart_id, etags)
    except NoSuchObject:  # another call has just done it
        if not _is_whole(upload):
            raise


Arrived = dict[int, tuple[int, str]]  # part number → (size in bytes, ETag)


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


def _missing(upload: Upload, arrived: Arrived) -> Missing:
    parts = [
        number
        for number, size in enumerate(_sizes(upload), start=1)
        if number not in arrived or arrived[number][0] != size
    ]
    blocks = _blocks(upload)
    return Missing(parts, blocks is not None and not _is_there(upload.bucket, *blocks))


def _named(absent: Missing) -> str:
    names = [str(number) for number in absent.parts[:_NAMED_PARTS]]
    if len(absent.parts) > _NAMED_PARTS:
        names[-1] += f" and {len(absent.parts) - _NAMED_PARTS} more"
    return ", ".join([*names, *(["the blocks file"] if absent.blocks else [])])


def _is_whole(upload: Upload) -> bool:
    return _is_there(upload.bucket, upload.object_key, upload.size_bytes)


def _is_there(bucket: str, key: str, size_bytes: int) -> bool:
    try:
        return objects.size_of(bucket, key) == size_bytes
    except NoSuchObject:
        return False


def _sizes(upload: NewUpload) -> list[int]:
    return part_sizes(upload.size_bytes, upload.part_size_bytes)


def _blocks(upload: NewUpload) -> tuple[str, int] | None:
    """Key and size in bytes of the blocks file, if there is to be one."""
    if upload.blocks_key is None or upload.blocks_size_bytes is None:
        return None
    return upload.blocks_key, upload.blocks_size_bytes


def _as_json(part: Part) -> dict[str, Any]:
    return {"url": part.url, "method": part.method, "headers": part.headers, "bytes": part.size_bytes}
