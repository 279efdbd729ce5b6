"""What an upload becomes in S3, and how all of it goes: its sources, and the data set made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from chalicelib.config import settings
from chalicelib.storage import cache, copying, layout, objects
from chalicelib.storage.copying import Original
from chalicelib.storage.references import File, is_foreign, is_in_folder_of
from chalicelib.storage.uploads import Upload

_FILES = {"encodings": layout.encodings, "rows": layout.rows, "blocks": layout.blocks}


class NewDataset:
    """The data set that an upload becomes; a small one is also kept in Redis, as it is stored."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._copies: dict[str, bytearray] = {}
        self._room_bytes = settings().cached_dataset_max_bytes

    def write(self, name: str, pieces: Iterable[bytes]) -> int:
        """Write the file ``encodings``, ``rows`` or ``blocks``, holding a few parts; returns its size."""
        self._copies[name] = bytearray()
        return objects.write_stream(settings().data_bucket, self._key(name), self._copied(name, pieces))

    def copy(self, name: str, original: Original) -> None:
        """Make the file of an object, within S3. It isn't kept in Redis, nor is the data set then."""
        self._room_bytes = -1
        copying.copy(original, settings().data_bucket, self._key(name))

    def finish(self, header: str) -> None:
        """Write the header; the files are there."""
        key = layout.header(self._upload.project_id, self._upload.upload_id)
        objects.put(settings().data_bucket, key, header.encode())
        if self._room_bytes >= 0:
            files = {name: bytes(copy) for name, copy in self._copies.items()}
            cache.put_encodings(self._upload.dp_id, {"upload_id": self._upload.upload_id, **files})

    def _key(self, name: str) -> str:
        return _FILES[name](self._upload.project_id, self._upload.upload_id)

    def _copied(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._room_bytes -= len(piece)
            if self._room_bytes >= 0:
                self._copies[name] += piece
            else:
                self._copies.clear()
            yield piece


def reference(upload: Upload) -> dict[str, Any]:
    """The request body of an upload that refers to files elsewhere. Raises NoSuchObject."""
    body: dict[str, Any] = json.loads(objects.get(upload.bucket, upload.object_key))
    return body


def is_readable(file: File, upload: Upload) -> bool:
    """Whether this upload may name the file: in our own store, one of the party's folder."""
    return is_foreign(file) or is_in_folder_of(file, upload.project_id, upload.dp_id)


def discard_source(upload: Upload) -> None:
    """Delete what was uploaded: it has been ingested, or never will be. Files in other stores stay."""
    if upload.format == "reference":
        for file in _own_files(upload):
            objects.delete(file["bucket"], file["path"])
    if upload.blocks_key is not None:
        objects.delete(upload.bucket, upload.blocks_key)
    objects.delete(upload.bucket, upload.object_key)  # last, since it names the others


def discard(upload: Upload) -> None:
    """Delete what was uploaded and whatever was stored of it."""
    discard_source(upload)
    for key in (*_FILES.values(), layout.header):
        objects.delete(settings().data_bucket, key(upload.project_id, upload.upload_id))
    cache.forget_encodings([upload.dp_id])


def _own_files(upload: Upload) -> list[File]:
    try:
        body = reference(upload)
    except objects.NoSuchObject:
        return []
    parts = (body["encodings"], body.get("blocks", {}))
    files = [part["file"] for part in parts if "file" in part]
    return [file for file in files if not is_foreign(file) and is_readable(file, upload)]
