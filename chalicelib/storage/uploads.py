"""Uploads in Postgres, and the lock that lets exactly one of a data provider's uploads win.

    data provider:  not_started ─take─▶ in_progress ─accept─▶ done
                         ▲                   │ └─reject/release─▶ error / not_started ─take─▶ …
    upload:         pending ─begin_ingestion─▶ ingesting ─▶ ready | error

Every arrow is one guarded UPDATE: of two callers, one sees a row and the other none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from chalicelib.errors import Gone, PermanentError
from chalicelib.storage.database import Cursor, transactional
from chalicelib.storage.tokens import Token, token_hash


@dataclass(frozen=True, kw_only=True)
class NewUpload:
    upload_id: str
    dp_id: str
    project_id: str
    format: str  # "binary", "json", or "reference": to objects elsewhere
    bucket: str
    object_key: str
    size_bytes: int
    encodings_count: int | None = None
    encoding_size_bytes: int | None = None
    multipart_id: str | None = None
    part_size_bytes: int | None = None
    blocks_key: str | None = None
    blocks_size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Upload(NewUpload):
    """An upload as its row tells it."""

    state: str
    attempt: int
    message: str | None
    expires_at: datetime
    time_delivered: datetime | None  # none of a pending one, nor of one from before there was this column


_UPLOAD = ", ".join(Upload.__dataclass_fields__)


@transactional
def take(cursor: Cursor, upload: NewUpload, lifetime: timedelta) -> bool:
    """Take the data provider's lock for this upload; False when another upload holds it.

    A pending upload whose time has passed holds nothing any more.
    """
    cursor.execute(
        "update data_providers d set upload_state = 'in_progress', upload_id = %(upload_id)s, error = null"
        " where dp_id = %(dp_id)s and (upload_state in ('not_started', 'error')"
        "   or upload_id = %(upload_id)s"  # this very call, run again after a lost connection
        "   or exists (select from uploads u where u.upload_id = d.upload_id"
        "              and u.state = 'pending' and u.expires_at < utc_now()))"
        " and exists (select from projects p where p.project_id = d.project_id and p.deleted_at is null)",
        asdict(upload),
    )
    if cursor.rowcount == 0:
        return False
    columns = list(asdict(upload))
    cursor.execute(
        f"insert into uploads ({', '.join(columns)}, expires_at)"
        f" values ({', '.join(f'%({c})s' for c in columns)}, utc_now() + %(lifetime)s)"
        " on conflict do nothing",
        {**asdict(upload), "lifetime": lifetime},
    )
    return True


@transactional
def set_multipart(cursor: Cursor, upload_id: str, multipart_id: str) -> None:
    cursor.execute("update uploads set multipart_id = %s where upload_id = %s", (multipart_id, upload_id))


@transactional
def begin_ingestion(cursor: Cursor, upload_id: str, receipt_token: Token) -> bool:
    """The data is there: from now on the party counts as contributed. False when it wasn't pending."""
    cursor.execute(
        "update uploads set state = 'ingesting', time_delivered = utc_now()"
        " where upload_id = %s and state = 'pending' returning dp_id",
        (upload_id,),
    )
    row = cursor.fetchone()
    if row is None:
        return False
    cursor.execute(
        "update data_providers set receipt_token_hash = %s where dp_id = %s and upload_id = %s",
        (token_hash(receipt_token), row["dp_id"], upload_id),
    )
    return cursor.rowcount == 1


@transactional
def renew_receipt(cursor: Cursor, upload_id: str, receipt_token: Token) -> bool:
    """Replace the receipt token of a delivered upload; False when it isn't the provider's (any more)."""
    cursor.execute(
        "update data_providers set receipt_token_hash = %s where upload_id = %s"
        " and exists (select from uploads u where u.upload_id = data_providers.upload_id"
        "             and u.state in ('ingesting', 'ready'))",
        (token_hash(receipt_token), upload_id),
    )
    return cursor.rowcount == 1


@transactional
def release(cursor: Cursor, upload_id: str) -> Upload | None:
    """Give up a pending upload, so that its token serves again.

    Returns the upload whose objects are now of no use, or None when it isn't pending (any more).
    """
    cursor.execute(
        f"delete from uploads where upload_id = %s and state = 'pending' returning {_UPLOAD}", (upload_id,)
    )
    row = cursor.fetchone()
    if row is None:
        return None
    cursor.execute(
        "update data_providers set upload_state = 'not_started', upload_id = null where upload_id = %s",
        (upload_id,),
    )
    return Upload(**row)


@transactional
def overtaken(cursor: Cursor, dp_id: str) -> list[str]:
    """The data provider's pending uploads whose time passed before another took their place."""
    cursor.execute(
        "select u.upload_id from uploads u join data_providers d using (dp_id)"
        " where u.dp_id = %s and u.state = 'pending' and u.upload_id is distinct from d.upload_id",
        (dp_id,),
    )
    return [row["upload_id"] for row in cursor]


@transactional
def find(cursor: Cursor, upload_id: str) -> Upload:
    """The upload. Raises Gone when there is none or its project was deleted."""
    columns = ", ".join(f"u.{name}" for name in Upload.__dataclass_fields__)
    cursor.execute(
        f"select {columns} from uploads u join projects p using (project_id)"
        " where upload_id = %s and p.deleted_at is null",
        (upload_id,),
    )
    row = cursor.fetchone()
    if row is None:
        raise Gone(f"upload {upload_id} does not exist or was deleted")
    return Upload(**row)


@transactional
def accept(cursor: Cursor, upload_id: str, count: int, encoding_size_bytes: int) -> None:
    """The encodings are stored: the data set is ready. A second call changes nothing.

    The first data set of a project fixes its encoding size, unless the linkage schema did.
    Raises PermanentError when this one's differs, Gone when the upload is no longer the provider's.
    """
    cursor.execute(
        "update projects p set encoding_size_bytes = coalesce(p.encoding_size_bytes, %s)"
        " from uploads u where u.upload_id = %s and u.project_id = p.project_id and p.deleted_at is null"
        " returning p.encoding_size_bytes",
        (encoding_size_bytes, upload_id),
    )
    row = cursor.fetchone()
    if row is None:
        raise Gone(f"upload {upload_id} does not exist or was deleted")
    if row["encoding_size_bytes"] != encoding_size_bytes:
        raise PermanentError(
            "Mismatch in encoding sizes. Stopping: the project's encodings have"
            f" {row['encoding_size_bytes']} bytes, this upload's {encoding_size_bytes}"
        )
    cursor.execute(
        "update data_providers set upload_state = 'done', encodings_count = %s, error = null"
        " where upload_id = %s and upload_state in ('in_progress', 'done')",
        (count, upload_id),
    )
    if cursor.rowcount == 0:
        raise Gone(f"upload {upload_id} was replaced by another")
    cursor.execute(
        "update uploads set state = 'ready', encodings_count = %s, encoding_size_bytes = %s"
        " where upload_id = %s",
        (count, encoding_size_bytes, upload_id),
    )


@transactional
def reject(cursor: Cursor, upload_id: str, reason: str) -> Upload | None:
    """End an upload that is under way in error; its provider can try again.

    Returns the upload whose objects are now of no use, or None when there was nothing to reject.
    """
    cursor.execute(
        "update uploads set state = 'error', message = %s"
        f" where upload_id = %s and state in ('pending', 'ingesting') returning {_UPLOAD}",
        (reason, upload_id),
    )
    row = cursor.fetchone()
    if row is None:
        return None
    cursor.execute(
        "update data_providers set upload_state = 'error', error = %s, receipt_token_hash = null"
        " where upload_id = %s and upload_state = 'in_progress'",
        (reason, upload_id),
    )
    return Upload(**row)


@transactional
def unfinished(cursor: Cursor) -> list[Upload]:
    """The uploads that should have an execution."""
    cursor.execute(f"select {_UPLOAD} from uploads where state = 'ingesting'")
    return [Upload(**row) for row in cursor]


@transactional
def of_project(cursor: Cursor, project_id: str) -> list[Upload]:
    """Every upload of a project, deleted or not."""
    cursor.execute(f"select {_UPLOAD} from uploads where project_id = %s", (project_id,))
    return [Upload(**row) for row in cursor]


@transactional
def next_attempt(cursor: Cursor, upload_id: str, attempt: int) -> bool:
    """Claim the right to start attempt ``attempt + 1``; of two callers one gets it."""
    cursor.execute(
        "update uploads set attempt = attempt + 1"
        " where upload_id = %s and attempt = %s and state = 'ingesting'",
        (upload_id, attempt),
    )
    return cursor.rowcount == 1
