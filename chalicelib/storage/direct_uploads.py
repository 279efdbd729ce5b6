"""Presigned URLs: a client's data goes straight to the object store, and large results straight from it.

A small file is one PUT, a large one a multipart upload, its size bound into every signature. URLs
are signed with a fresh session of the signer role: a URL dies with the credentials that signed it,
and a warm function doesn't know how old its own are. The keys of a store of one's own don't expire.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.config import settings
from chalicelib.storage.clients import public_object_store, s3_signing_with, store_of
from chalicelib.storage.credentials import signer_session
from chalicelib.storage.objects import NoSuchObject, translated

SINGLE_PUT_MAX_BYTES = 64 * 1024 * 1024
_PART_MIN_BYTES = 64 * 1024 * 1024
_PARTS_MAX = 10_000  # S3's limit an upload
_SESSION_SECONDS = 3_600  # the most for a role that assumes another
_RENEW_BEFORE_SECONDS = 1_800

_signer: tuple[Any, float] | None = None


@dataclass(frozen=True)
class Part:
    """One request that a client makes, with exactly these headers."""

    number: int
    url: str
    method: str
    headers: dict[str, str]
    size_bytes: int


def part_size(size_bytes: int) -> int | None:
    """Bytes a part of a multipart upload; None when a single PUT does."""
    if size_bytes <= SINGLE_PUT_MAX_BYTES:
        return None
    return max(_PART_MIN_BYTES, math.ceil(size_bytes / _PARTS_MAX))


def begin_multipart(bucket: str, key: str) -> str:
    with translated(key):
        upload_id: str = store_of(bucket).create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        return upload_id


def abort_multipart(bucket: str, key: str, multipart_id: str) -> None:
    """Drop what was uploaded so far; an upload that isn't there is fine."""
    try:
        with translated(key):
            store_of(bucket).abort_multipart_upload(Bucket=bucket, Key=key, UploadId=multipart_id)
    except NoSuchObject:
        pass


def part_sizes(size_bytes: int, part_size_bytes: int | None) -> list[int]:
    """The sizes of all parts, in order."""
    if part_size_bytes is None:
        return [size_bytes]
    whole, rest = divmod(size_bytes, part_size_bytes)
    return [part_size_bytes] * whole + ([rest] if rest else [])


def uploaded_parts(bucket: str, key: str, multipart_id: str) -> dict[int, tuple[int, str]]:
    """Part number → (size in bytes, ETag) of what has arrived. Raises NoSuchObject when it is over."""
    with translated(key):
        paginator = store_of(bucket).get_paginator("list_parts")
        pages = paginator.paginate(Bucket=bucket, Key=key, UploadId=multipart_id)
        return {
            part["PartNumber"]: (part["Size"], part["ETag"])
            for page in pages
            for part in page.get("Parts", ())
        }


def complete_multipart(bucket: str, key: str, multipart_id: str, etags: dict[int, str]) -> None:
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in sorted(etags)]
    with translated(key):
        store_of(bucket).complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=multipart_id, MultipartUpload={"Parts": parts}
        )


def sign_parts(
    bucket: str, key: str, multipart_id: str | None, sizes: list[int], numbers: list[int]
) -> tuple[list[Part], datetime]:
    """URLs for the parts of these numbers (1-based), and when they expire (naive UTC)."""
    client, lifetime = _signing_client()
    parts = []
    for number in numbers:
        size = sizes[number - 1]
        params: dict[str, Any] = {"Bucket": bucket, "Key": key, "ContentLength": size}
        operation = "put_object"
        if multipart_id is not None:
            operation = "upload_part"
            params |= {"UploadId": multipart_id, "PartNumber": number}
        url = client.generate_presigned_url(operation, Params=params, ExpiresIn=lifetime)
        parts.append(Part(number, url, "PUT", {"Content-Length": str(size)}, size))
    return parts, datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=lifetime)


def sign_download(bucket: str, key: str, content_type: str | None = None) -> str:
    """A URL that reads the object; with ``content_type`` it is answered with that instead of its own."""
    client, lifetime = _signing_client()
    params = {"Bucket": bucket, "Key": key}
    if content_type is not None:
        params["ResponseContentType"] = content_type
    url: str = client.generate_presigned_url("get_object", Params=params, ExpiresIn=lifetime)
    return url


def _signing_client() -> tuple[Any, int]:
    """A client that signs, and for how many seconds its signatures hold."""
    global _signer
    if settings().object_store_endpoint:
        return public_object_store(), _SESSION_SECONDS
    if _signer is None or _signer[1] - time.time() < _RENEW_BEFORE_SECONDS:
        credentials = signer_session("presign", _SESSION_SECONDS)
        _signer = (s3_signing_with(credentials), credentials["Expiration"].timestamp())
    client, expires = _signer
    return client, int(min(_SESSION_SECONDS, expires - time.time()))
