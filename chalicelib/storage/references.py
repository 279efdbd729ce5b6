"""References to files in object stores, as a request names them: whose store, and whose folder.

A reference is ``{"file": {"bucket", "path", "endpoint"?, "secure"?}, "credentials"?: …}``. Without an
endpoint the file is in our upload bucket, where each party has one folder.
"""

from __future__ import annotations

from typing import Any

from chalicelib.config import settings
from chalicelib.storage import credentials, layout

File = dict[str, Any]  # as in the request, valid by its schema


def is_foreign(file: File) -> bool:
    """Whether the file is somebody else's, to be read with their credentials.

    In AWS all buckets of a region have one endpoint, so there the bucket decides.
    """
    if "endpoint" not in file:
        return False
    host, is_secure = credentials.endpoint()
    port = ":443" if is_secure else ":80"
    is_our_store = str(file["endpoint"]).lower().removesuffix(port) == host.lower().removesuffix(port)
    return not is_our_store or file["bucket"] not in (settings().upload_bucket, settings().data_bucket)


def is_in_folder_of(file: File, project_id: str, dp_id: str) -> bool:
    """Whether a file of our store is in the folder that this data provider may write to."""
    folder = layout.party_folder(project_id, dp_id) + "/"
    path = str(file["path"])
    segments = path.removeprefix(folder).split("/")
    return (
        file["bucket"] == settings().upload_bucket
        and path.startswith(folder)
        # To S3 a key is a text and no path, but not to everything that reads one.
        and not {"", ".", ".."} & set(segments)
    )
