"""Brings the database schema up to date: plain SQL files, applied in order by yoyo.

Runs as a function at every deployment, before any other function of the new version is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg2 import sql
from yoyo import default_migration_table, read_migrations
from yoyo.backends.core.postgresql import PostgresqlBackend
from yoyo.connections import parse_uri

from chalicelib.storage.database import connect

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK_TIMEOUT_SECONDS = 60

# What the role's sessions begin with. A transaction of a killed function must not hold its locks for hours.
_SESSION_LIMITS = {"statement_timeout": "25s", "idle_in_transaction_session_timeout": "60s"}


def migrate(_event: Any = None, _context: Any = None) -> dict[str, list[str]]:
    """Apply the migrations that the database hasn't had; returns their names.

    Sessions that begin later have limits for their statements. A second call applies nothing. Two calls
    at once wait for one another. Raises psycopg2.Error.
    """
    with _Backend(parse_uri("postgresql://"), default_migration_table) as backend:
        backend.init_database()
        migrations = read_migrations(str(MIGRATIONS))
        with backend.lock(_LOCK_TIMEOUT_SECONDS):
            outstanding = backend.to_apply(migrations)
            backend.apply_migrations(outstanding)
            _limit_sessions(backend.connection)
    return {"applied": [migration.id for migration in outstanding]}


def _limit_sessions(connection: Any) -> None:
    """A role may set its own defaults; those for one database leave its other sessions as they are."""
    database = sql.Identifier(connection.info.dbname)
    statement = sql.SQL("alter role current_user in database {} set {} = {}")
    with connection.cursor() as cursor:
        for name, limit in _SESSION_LIMITS.items():
            cursor.execute(statement.format(database, sql.Identifier(name), sql.Literal(limit)))


class _Backend(PostgresqlBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's, whose sessions, one for each migration, are the service's but for their limits."""

    def connect(self, _uri: Any) -> Any:
        connection = connect()
        connection.autocommit = True  # yoyo begins transactions itself
        with connection.cursor() as cursor:
            for name in _SESSION_LIMITS:
                cursor.execute(sql.SQL("set {} = 0").format(sql.Identifier(name)))
        return connection
