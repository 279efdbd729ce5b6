"""Runs in Postgres: ``created → queued → running → completed | error``, each arrow one guarded UPDATE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from chalicelib.errors import Ended, Gone
from chalicelib.storage.database import Cursor, only_row, transactional
from chalicelib.storage.tokens import new_id


@dataclass(frozen=True)
class Run:
    run_id: str
    project_id: str
    time_added: datetime
    name: str
    notes: str
    threshold: float
    state: str
    attempt: int
    time_queued: datetime | None
    time_started: datetime | None
    time_compared: datetime | None
    time_merged: datetime | None
    time_solved: datetime | None
    time_permuted: datetime | None
    time_encrypted: datetime | None
    time_completed: datetime | None
    total_comparisons: int | None
    candidate_pairs: int | None
    chunks: int | None
    mask_bits: int | None  # to be encrypted
    message: str | None
    gb_seconds: float  # memory times time of the functions that worked for it
    requests: int  # how often they were called


COLUMNS = ", ".join(f"r.{field.name}" for field in fields(Run))
_ACTIVE = (
    "r.deleted_at is null"
    " and exists (select from projects p where p.project_id = r.project_id and p.deleted_at is null)"
)
_UNFINISHED = "('created', 'queued', 'running')"


def create(project_id: str, *, threshold: float, name: str, notes: str) -> Run:
    """Add a run in state ``created``. Raises Gone when the project was deleted."""
    return _insert(new_id(), project_id, threshold, name, notes)


@transactional
def _insert(cursor: Cursor, run_id: str, project_id: str, threshold: float, name: str, notes: str) -> Run:
    cursor.execute(
        "insert into runs (run_id, project_id, threshold, name, notes)"
        " select %s, project_id, %s, %s, %s from projects where project_id = %s and deleted_at is null"
        " on conflict do nothing",
        (run_id, threshold, name, notes, project_id),
    )
    return _one(cursor, f"select {COLUMNS} from runs r where run_id = %s", run_id)


@transactional
def find(cursor: Cursor, run_id: str) -> Run:
    """The run. Raises Gone when there is none or it, or its project, was deleted."""
    return _one(cursor, f"select {COLUMNS} from runs r where run_id = %s and {_ACTIVE}", run_id)


def _one(cursor: Cursor, query: str, run_id: str) -> Run:
    cursor.execute(query, (run_id,))
    row = cursor.fetchone()
    if row is None:
        raise Gone(f"run {run_id} does not exist or was deleted")
    return Run(**row)


@transactional
def of_project(cursor: Cursor, project_id: str) -> list[Run]:
    """Every run of a project, deleted or not, oldest first."""
    cursor.execute(f"select {COLUMNS} from runs r where project_id = %s order by time_added", (project_id,))
    return [Run(**row) for row in cursor]


@transactional
def list_active(cursor: Cursor, project_id: str) -> list[Run]:
    """The runs of a project that aren't deleted, oldest first."""
    cursor.execute(
        f"select {COLUMNS} from runs r where project_id = %s and {_ACTIVE} order by time_added", (project_id,)
    )
    return [Run(**row) for row in cursor]


@transactional
def queue_ready(cursor: Cursor, project_id: str) -> list[Run]:
    """Queue the project's created runs, if every data set is ready; returns all that are queued.

    Runs that are already queued are returned again: starting their execution twice is harmless,
    not starting it (after a kill between here and there) isn't.
    """
    cursor.execute(
        "update runs r set state = 'queued', time_queued = utc_now()"
        f" where project_id = %s and state = 'created' and {_ACTIVE} and not exists"
        " (select from data_providers d where d.project_id = r.project_id and d.upload_state <> 'done')",
        (project_id,),
    )
    cursor.execute(
        f"select {COLUMNS} from runs r where project_id = %s and state = 'queued' and {_ACTIVE}",
        (project_id,),
    )
    return [Run(**row) for row in cursor]


@transactional
def begin(cursor: Cursor, run_id: str, total_comparisons: int, chunks: int) -> None:
    """Planned: the run is running. A second call (a retry) changes nothing but the figures.

    A run that reuses what another has compared has no chunks. Raises Gone when the run was deleted or
    has ended.
    """
    cursor.execute(
        "update runs r set state = 'running', time_started = coalesce(time_started, utc_now()),"
        " total_comparisons = %s, chunks = %s"
        f" where run_id = %s and state in ('queued', 'running') and {_ACTIVE}",
        (total_comparisons, chunks, run_id),
    )
    _require_one(cursor, run_id)


@transactional
def record_compared(cursor: Cursor, run_id: str, gb_seconds: float = 0, requests: int = 0) -> None:
    """All is compared; the first call charges the run for what the workers, which touch no database, used."""
    _stamp_and_charge(cursor, run_id, "time_compared", gb_seconds, requests)


@transactional
def record_merged(cursor: Cursor, run_id: str, candidate_pairs: int) -> None:
    _stamp(cursor, run_id, "time_merged")
    cursor.execute("update runs set candidate_pairs = %s where run_id = %s", (candidate_pairs, run_id))


@transactional
def record_solved(cursor: Cursor, run_id: str) -> None:
    _stamp(cursor, run_id, "time_solved")


@transactional
def record_permuted(cursor: Cursor, run_id: str, mask_bits: int | None = None) -> None:
    """``mask_bits`` are to be encrypted from here on."""
    _stamp(cursor, run_id, "time_permuted")
    cursor.execute("update runs set mask_bits = %s where run_id = %s", (mask_bits, run_id))


@transactional
def record_encrypted(cursor: Cursor, run_id: str, gb_seconds: float = 0, requests: int = 0) -> None:
    """As ``record_compared``, of the mask."""
    _stamp_and_charge(cursor, run_id, "time_encrypted", gb_seconds, requests)


@transactional
def complete(
    cursor: Cursor,
    run_id: str,
    *,
    gb_seconds: float = 0,
    requests: int = 0,
    candidate_pairs: int | None = None,
    seconds_ago: Mapping[str, float] | None = None,
) -> Run:
    """The result is in S3; charges the run for what it has used. A second call changes nothing but that.

    Whoever did a run whole tells its pairs and when it was what: ``seconds_ago`` by column, such as
    ``time_merged``. Raises Gone as ``begin`` does.
    """
    stamps = "".join(
        f", {column} = coalesce({column}, utc_now() - %s * interval '1 second')"
        for column in (seconds_ago or {})
    )
    cursor.execute(
        "update runs r set state = 'completed', time_completed = coalesce(time_completed, utc_now()),"
        " gb_seconds = gb_seconds + %s, requests = requests + %s,"
        f" candidate_pairs = coalesce(candidate_pairs, %s){stamps}"
        f" where run_id = %s and state in ('running', 'completed') and {_ACTIVE} returning {COLUMNS}",
        (gb_seconds, requests, candidate_pairs, *(seconds_ago or {}).values(), run_id),
    )
    _require_one(cursor, run_id)
    return Run(**only_row(cursor))


@transactional
def compared_before(cursor: Cursor, run: Run) -> Run | None:
    """A completed run of the same data sets whose candidate pairs include all of this one's.

    A project's data sets are fixed once they are ready, so a threshold no higher is all that it takes.
    Of several it is the one with the fewest pairs to look through.
    """
    cursor.execute(
        f"select {COLUMNS} from runs r where project_id = %s and state = 'completed' and threshold <= %s"
        f" and {_ACTIVE} order by threshold desc, time_completed desc limit 1",
        (run.project_id, run.threshold),
    )
    row = cursor.fetchone()
    return Run(**row) if row else None


@transactional
def charge(cursor: Cursor, run_id: str, gb_seconds: float, requests: int) -> None:
    """Add to what the run has cost, whatever its state; a run that is gone costs nothing."""
    cursor.execute(
        "update runs set gb_seconds = gb_seconds + %s, requests = requests + %s where run_id = %s",
        (gb_seconds, requests, run_id),
    )


def _stamp_and_charge(cursor: Cursor, run_id: str, column: str, gb_seconds: float, requests: int) -> None:
    cursor.execute(
        f"update runs r set {column} = utc_now(), gb_seconds = gb_seconds + %s, requests = requests + %s"
        f" where run_id = %s and {column} is null and state = 'running' and {_ACTIVE}",
        (gb_seconds, requests, run_id),
    )
    if cursor.rowcount == 0:
        _stamp(cursor, run_id, column)


def _stamp(cursor: Cursor, run_id: str, column: str) -> None:
    # The first time stands, so that a retry doesn't make a stage look shorter.
    cursor.execute(
        f"update runs r set {column} = coalesce({column}, utc_now())"
        f" where run_id = %s and state = 'running' and {_ACTIVE}",
        (run_id,),
    )
    _require_one(cursor, run_id)


def _require_one(cursor: Cursor, run_id: str) -> None:
    if cursor.rowcount == 0:
        run = _one(cursor, f"select {COLUMNS} from runs r where run_id = %s and {_ACTIVE}", run_id)
        raise Ended(f"run {run_id} is {run.state}")


@transactional
def fail(cursor: Cursor, run_id: str, message: str) -> bool:
    """End a run in error, unless it has ended already; tells whether this call did it."""
    cursor.execute(
        "update runs set state = 'error', message = %s, time_completed = utc_now()"
        f" where run_id = %s and state in {_UNFINISHED}",
        (message, run_id),
    )
    return cursor.rowcount == 1


@transactional
def unfinished(cursor: Cursor) -> list[Run]:
    """The runs that should have an execution."""
    cursor.execute(f"select {COLUMNS} from runs r where state in ('queued', 'running') and {_ACTIVE}")
    return [Run(**row) for row in cursor]


@transactional
def waiting_projects(cursor: Cursor) -> list[str]:
    """Projects with runs still ``created`` though every data set is ready."""
    cursor.execute(
        f"select distinct project_id from runs r where state = 'created' and {_ACTIVE} and not exists"
        " (select from data_providers d where d.project_id = r.project_id and d.upload_state <> 'done')"
    )
    return [row["project_id"] for row in cursor]


@transactional
def next_attempt(cursor: Cursor, run_id: str, attempt: int) -> bool:
    """Claim the right to start attempt ``attempt + 1``; of two callers one gets it."""
    cursor.execute(
        "update runs r set attempt = attempt + 1"
        f" where run_id = %s and attempt = %s and state in ('queued', 'running') and {_ACTIVE}",
        (run_id, attempt),
    )
    return cursor.rowcount == 1


@transactional
def latest_rate(cursor: Cursor) -> float | None:
    """Comparisons a second, by the wall clock, of the latest completed run that made any; None without."""
    cursor.execute(
        "select total_comparisons, extract(epoch from time_completed - time_started)::float8 as seconds"
        " from runs where state = 'completed' and chunks > 0 order by time_completed desc limit 1"
    )
    row: Any = cursor.fetchone()
    return row["total_comparisons"] / max(row["seconds"], 1e-3) if row else None
