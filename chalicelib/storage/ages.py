"""How long things have waited. Rows have naive UTC times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.storage.database import Cursor, only_row, transactional

_OLDEST = """
select coalesce(extract(epoch from utc_now() - (
         select min(u.time_delivered) from uploads u join projects p using (project_id)
         where u.state = 'ingesting' and p.deleted_at is null)), 0)::float8 as upload,
       coalesce(extract(epoch from utc_now() - (
         select min(r.time_queued) from runs r join projects p using (project_id)
         where r.state in ('queued', 'running') and r.deleted_at is null
           and p.deleted_at is null)), 0)::float8 as run,
       coalesce(extract(epoch from utc_now() - least(
         (select min(deleted_at) from projects), (select min(deleted_at) from runs))), 0)::float8 as purge
"""


@dataclass(frozen=True)
class Oldest:
    """Ages in seconds of the oldest of each kind; 0 where there is none."""

    upload: float  # delivered, and neither ingested nor refused
    run: float  # queued, and not ended
    purge: float  # promised, and not done


@transactional
def oldest(cursor: Cursor) -> Oldest:
    """Of what is under way."""
    cursor.execute(_OLDEST)
    return Oldest(**only_row(cursor))


def age_seconds(time: datetime) -> float:
    """Of a row's time; never negative, though the database's clock is another."""
    return max(0.0, (datetime.now(UTC).replace(tzinfo=None) - time).total_seconds())
