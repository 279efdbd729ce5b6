"""S3, or a store of one's own, as this service uses it: whole small objects, streams in and out, listings.
Keys come from ``layout``, clients from ``clients``.

Every write is all or nothing: S3 shows an object only when its last byte is there, and a multipart
upload that failed is aborted. Writing a large object holds a few parts in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import StoreUnavailable
from chalicelib.storage import multipart
from chalicelib.storage.clients import store_of

PART_BYTES = 8 * 1024 * 1024  # S3 refuses parts under 5 MiB
# 10,000 parts an object: longer streams get larger parts as they go.
_PARTS_BEFORE_GROWTH = 1_000
_TRANSIENT = {
    *("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout"),
    *("SlowDownRead", "SlowDownWrite", "XMinioServerNotInitialized"),  # Minio's
}


class NoSuchObject(Exception):
    """There is no object of that key (any more)."""


@contextmanager
def translated(key: str) -> Iterator[None]:
    """The drivers' errors as ours, the cause kept."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "404", "NotFound", "NoSuchUpload"):
            raise NoSuchObject(key) from error
        if code in _TRANSIENT:
            raise StoreUnavailable("The object store is not available, try again shortly") from error
        raise
    except BotoCoreError as error:
        raise StoreUnavailable("The object store is not available, try again shortly") from error


def put(bucket: str, key: str, body: bytes) -> None:
    with translated(key):
        store_of(bucket).put_object(Bucket=bucket, Key=key, Body=body)


def put_new(bucket: str, key: str, body: bytes) -> bool:
    """Write the object unless there is one of that key; tells whether this call did it.

    Of several calls at once one does. Raises StoreUnavailable when the store can't tell yet which.
    """
    try:
        with translated(key):
            store_of(bucket).put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalRequestConflict":
            raise StoreUnavailable("The object is just being written, try again shortly") from error
        if code != "PreconditionFailed":
            raise
        return False
    return True


def get(bucket: str, key: str) -> bytes:
    """The whole object. Raises NoSuchObject."""
    with translated(key):
        body: bytes = store_of(bucket).get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def get_range(bucket: str, key: str, start: int, stop: int) -> bytes:
    """Bytes ``start`` to ``stop`` (exclusive), or fewer at the object's end. Raises NoSuchObject."""
    if start >= stop:
        return b""
    try:
        with translated(key):
            answer = store_of(bucket).get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{stop - 1}")
            body: bytes = answer["Body"].read()
            return body
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidRange":
            return b""
        raise


class Readable(Protocol):
    """What is read forward."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""


@dataclass(frozen=True)
class OpenObject:
    body: Readable
    size_bytes: int
    metadata: dict[str, str]  # the user's own, names in lower case


def open_object(bucket: str, key: str) -> OpenObject:
    """The object, to be read forward. Raises NoSuchObject."""
    with translated(key):
        answer = store_of(bucket).get_object(Bucket=bucket, Key=key)
        return OpenObject(answer["Body"], int(answer["ContentLength"]), answer["Metadata"])


def size_of(bucket: str, key: str) -> int:
    """The object's size in bytes. Raises NoSuchObject."""
    with translated(key):
        return int(store_of(bucket).head_object(Bucket=bucket, Key=key)["ContentLength"])


def exists(bucket: str, key: str) -> bool:
    try:
        size_of(bucket, key)
    except NoSuchObject:
        return False
    return True


def write_stream(bucket: str, key: str, pieces: Iterable[bytes], content_type: str | None = None) -> int:
    """Write pieces of any size as one object; returns its size.

    While some parts are on their way the next one is made: that many are held in memory, and one.
    """
    options = {"ContentType": content_type} if content_type else {}
    parts = _parts(pieces)
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        with translated(key):
            store_of(bucket).put_object(Bucket=bucket, Key=key, Body=first, **options)
        return len(first)
    return _write_multipart(bucket, key, _chain(first, second, parts), options)


def _chain(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    sent = 0
    for piece in pieces:
        buffer += piece
        if len(buffer) >= PART_BYTES * (1 + sent // _PARTS_BEFORE_GROWTH):
            yield bytes(buffer)
            buffer.clear()
            sent += 1
    if buffer:
        yield bytes(buffer)


def _write_multipart(bucket: str, key: str, parts: Iterator[bytes], options: dict[str, str]) -> int:
    size = 0

    def sent() -> Iterator[multipart.Part]:
        nonlocal size
        for part in parts:
            size += len(part)
            yield partial(_upload_part, part)

    with translated(key):
        multipart.write(bucket, key, sent(), options)
    return size


def _upload_part(body: bytes, **place: str | int) -> str:
    return str(store_of(str(place["Bucket"])).upload_part(**place, Body=body)["ETag"])


def list_keys(bucket: str, prefix: str) -> Iterator[str]:
    """Every key under a prefix, in order."""
    return (key for key, _ in list_sizes(bucket, prefix))


def list_sizes(bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Every key under a prefix, in order, with the object's size in bytes."""
    with translated(prefix):
        for page in store_of(bucket).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"], int(entry["Size"])


def delete(bucket: str, key: str) -> None:
    """Delete one object; one that isn't there is fine."""
    with translated(key):
        store_of(bucket).delete_object(Bucket=bucket, Key=key)


def delete_prefix(bucket: str, prefix: str) -> int:
    """Delete all objects and abort all multipart uploads under a prefix; returns how many there were."""
    found = 0
    for key in list(list_keys(bucket, prefix)):
        # One by one: with DeleteObjects Minio before RELEASE.2025-01-20 wants an MD5 that boto3 doesn't send.
        delete(bucket, key)
        found += 1
    with translated(prefix):
        store = store_of(bucket)
        for page in store.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
            for upload in page.get("Uploads", ()):
                store.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                found += 1
    return found
