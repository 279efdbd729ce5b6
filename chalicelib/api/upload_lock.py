"""The lock that a data provider's upload holds: taken, kept during checks, given up with all it left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from chalicelib.errors import Forbidden
from chalicelib.storage import direct_uploads, objects, uploads
from chalicelib.storage.uploads import NewUpload

TOKEN_USED = "This token has already been used to upload clks."


@contextmanager
def held(upload: NewUpload, lifetime: timedelta) -> Iterator[None]:
    """Take the lock for ``upload``; whatever fails inside frees the token and leaves no object.

    Raises Forbidden when another upload holds it.
    """
    if not uploads.take(upload, lifetime):
        raise Forbidden(TOKEN_USED)
    try:
        for predecessor in uploads.overtaken(upload.dp_id):
            give_up(predecessor)
        yield
    except BaseException:
        give_up(upload.upload_id)
        raise


def give_up(upload_id: str) -> bool:
    """Free the token, then remove what has arrived. False when the upload isn't pending (any more):
    once ingestion has begun there is nothing to free, and the objects are its."""
    upload = uploads.release(upload_id)
    if upload is None:
        return False
    if upload.multipart_id is not None:
        direct_uploads.abort_multipart(upload.bucket, upload.object_key, upload.multipart_id)
    for key in filter(None, (upload.object_key, upload.blocks_key)):
        objects.delete(upload.bucket, key)
    return True
