"""What an upload leaves in S3, and how it goes."""

from __future__ import annotations

from chalicelib.config import settings
from chalicelib.storage import layout, objects
from chalicelib.storage.uploads import Upload


def discard_source(upload: Upload) -> None:
    """Delete the raw upload: it has been ingested, or never will be."""
    objects.delete(upload.bucket, upload.object_key)


def discard(upload: Upload) -> None:
    """Delete the raw upload and whatever was stored of it."""
    discard_source(upload)
    for key in (layout.encodings, layout.header):
        objects.delete(settings().data_bucket, key(upload.project_id, upload.upload_id))
