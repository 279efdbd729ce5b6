"""Where an upload's encodings and blocks are, opened for reading.

An upload is one object, or one for the encodings and one for the blocks, or a request that refers to
objects: in the party's own folder of our upload bucket, or in a store of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.errors import PermanentError
from chalicelib.storage import datasets, foreign, objects
from chalicelib.storage.objects import OpenObject
from chalicelib.storage.references import is_foreign
from chalicelib.storage.uploads import Upload

_MAX_COUNT = 2**31 - 1


@dataclass(frozen=True)
class Sources:
    encodings: OpenObject
    is_json: bool  # else count * encoding_size_bytes raw bytes
    is_reference: bool  # which may be longer than that; its JSON encodings may be shorter than their size
    count: int | None  # as declared, like the size
    encoding_size_bytes: int | None
    # Opens JSON with the key "blocks": later, since S3 closes connections that nobody reads.
    open_blocks: Callable[[], OpenObject] | None


def open_sources(upload: Upload) -> Sources:
    """Raises NoSuchObject when an object of ours is missing, PermanentError when a reference is wrong."""
    if upload.format == "reference":
        return _open_referenced(upload, datasets.reference(upload))
    return Sources(
        encodings=objects.open_object(upload.bucket, upload.object_key),
        is_json=upload.format == "json",
        is_reference=False,
        count=upload.encodings_count,
        encoding_size_bytes=upload.encoding_size_bytes,
        open_blocks=partial(objects.open_object, upload.bucket, upload.blocks_key)
        if upload.blocks_key
        else None,
    )


def _open_referenced(upload: Upload, body: dict[str, Any]) -> Sources:
    encodings = _open(upload, body["encodings"])
    open_blocks: Callable[[], OpenObject] | None = None
    if "file" in body.get("blocks", {}):
        open_blocks = partial(_open, upload, body["blocks"])
    elif "blocks" in body:
        open_blocks = partial(objects.open_object, upload.bucket, upload.object_key)  # it is a blocks file
    return Sources(
        encodings=encodings,
        is_json=body["encodings"]["file"]["path"].endswith(".json"),
        is_reference=True,
        count=_number(encodings, "hash-count"),
        encoding_size_bytes=_number(encodings, "hash-size"),
        open_blocks=open_blocks,
    )


def _open(upload: Upload, part: dict[str, Any]) -> OpenObject:
    file = part["file"]
    if not datasets.is_readable(file, upload):  # asked again: this function may read every folder
        raise PermanentError("Provided object store path is not allowed")
    if not is_foreign(file):
        return objects.open_object(file["bucket"], file["path"])
    if "credentials" not in part:
        raise PermanentError("A file at an 'endpoint' needs the 'credentials' to read it")
    return foreign.open_object(file, part["credentials"])


def _number(encodings: OpenObject, name: str) -> int:
    text = encodings.metadata.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= _MAX_COUNT):
        raise PermanentError(f"The metadata '{name}' of the file of encodings must be a number from 1")
    return int(text)
