"""Copying objects within the object store: their bytes pass through nobody, however many they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.storage import multipart
from chalicelib.storage.clients import store_of
from chalicelib.storage.objects import translated

# One call copies up to 5 GB, but as one stream; parts are copied side by side.
AT_ONCE_BYTES = 1 << 30
PART_BYTES = 256 << 20
_MAX_PARTS = 10_000


@dataclass(frozen=True)
class Original:
    """An object as it was when it was looked at."""

    bucket: str
    key: str
    size_bytes: int
    etag: str


def look_at(bucket: str, key: str) -> Original:
    """Raises NoSuchObject."""
    with translated(key):
        head = store_of(bucket).head_object(Bucket=bucket, Key=key)
    return Original(bucket, key, int(head["ContentLength"]), head["ETag"])


def copy(original: Original, bucket: str, key: str) -> None:
    """Make the object ``key`` of the original's bytes, without its metadata.

    Raises NoSuchObject when the original is gone, and botocore's ClientError (PreconditionFailed) when it is
    another by now; then there is no copy.
    """
    source = {
        "CopySource": {"Bucket": original.bucket, "Key": original.key},
        "CopySourceIfMatch": original.etag,
    }
    with translated(original.key):
        if original.size_bytes <= AT_ONCE_BYTES:
            store_of(bucket).copy_object(Bucket=bucket, Key=key, **source, MetadataDirective="REPLACE")
        else:
            multipart.write(bucket, key, _parts(source, original.size_bytes), {})


def _parts(source: dict[str, Any], size_bytes: int) -> Iterator[multipart.Part]:
    part_bytes = max(PART_BYTES, -(-size_bytes // _MAX_PARTS))
    for start in range(0, size_bytes, part_bytes):
        last = min(start + part_bytes, size_bytes) - 1
        yield partial(_copy_part, source, f"bytes={start}-{last}")


def _copy_part(source: dict[str, Any], byte_range: str, **place: str | int) -> str:
    answer = store_of(str(place["Bucket"])).upload_part_copy(**source, CopySourceRange=byte_range, **place)
    return str(answer["CopyPartResult"]["ETag"])
