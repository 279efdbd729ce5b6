"""What the functions of a Distributed Map share, thousands of which work for one run.

They touch S3 and Redis only, never Postgres, and neither does this module. Writing an object is their commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.storage import layout, objects


@contextmanager
def undone_if_deleted(project_id: str, run_id: str, key: str) -> Iterator[None]:
    """Write ``key`` in here: if the run was deleted, the object goes again. Raises Gone then."""
    yield
    # The purge removes a run's manifest before it lists what else there is. So either we see
    # that the manifest is gone, or our object was there for the purge to find.
    manifest = layout.manifest(project_id, run_id)
    if not objects.exists(layout.bucket_of(manifest), manifest):
        objects.delete(settings().data_bucket, key)
        raise Gone("the run was deleted")
