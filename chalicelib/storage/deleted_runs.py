"""Runs that were deleted: marked at first, then purged, then forgotten. ``runs`` finds none of them."""

from __future__ import annotations

from chalicelib.storage.database import Cursor, transactional
from chalicelib.storage.runs import COLUMNS, Run


@transactional
def mark(cursor: Cursor, run_id: str) -> None:
    """From now on nobody finds the run, and every task that works for it stops."""
    cursor.execute(
        "update runs set deleted_at = utc_now() where run_id = %s and deleted_at is null", (run_id,)
    )


@transactional
def marked(cursor: Cursor) -> list[tuple[str, int]]:
    """The runs that wait to be purged, with the attempt that should be at it. The runs of a deleted
    project are its own purge's."""
    cursor.execute(
        "select run_id, r.purge_attempt from runs r join projects p using (project_id)"
        " where r.deleted_at is not null and p.deleted_at is null order by r.deleted_at"
    )
    return [(row["run_id"], row["purge_attempt"]) for row in cursor]


@transactional
def find(cursor: Cursor, run_id: str) -> Run | None:
    """The run, if it is marked deleted and not forgotten."""
    cursor.execute(f"select {COLUMNS} from runs r where run_id = %s and deleted_at is not null", (run_id,))
    row = cursor.fetchone()
    return Run(**row) if row else None


@transactional
def next_purge_attempt(cursor: Cursor, run_id: str, attempt: int) -> bool:
    """Claim the right to start attempt ``attempt + 1``; of two callers one gets it."""
    cursor.execute(
        "update runs set purge_attempt = purge_attempt + 1"
        " where run_id = %s and purge_attempt = %s and deleted_at is not null",
        (run_id, attempt),
    )
    return cursor.rowcount == 1


@transactional
def forget(cursor: Cursor, run_id: str) -> None:
    """Remove the row of a run marked deleted, leaving a line of audit that identifies nothing.

    A second call finds no row and adds no line.
    """
    cursor.execute(
        "with gone as (delete from runs where run_id = %s and deleted_at is not null returning deleted_at)"
        " insert into deletions (kind, time_requested, data_providers, runs, encodings)"
        " select 'run', deleted_at, 0, 1, 0 from gone",
        (run_id,),
    )
