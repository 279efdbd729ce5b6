"""Brings the database schema up to date: plain SQL files, applied in order by yoyo.

Runs as a function at every deployment, before any other function of the new version is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from yoyo import get_backend, read_migrations

from chalicelib.config import settings

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK_TIMEOUT_SECONDS = 60


def migrate(_event: Any = None, _context: Any = None) -> dict[str, list[str]]:
    """Apply the migrations that the database hasn't had; returns their names.

    A second call applies nothing. Two calls at once wait for one another.
    """
    backend = get_backend(_url())
    migrations = read_migrations(str(MIGRATIONS))
    with backend.lock(_LOCK_TIMEOUT_SECONDS):
        outstanding = backend.to_apply(migrations)
        backend.apply_migrations(outstanding)
    return {"applied": [migration.id for migration in outstanding]}


def _url() -> str:
    s = settings()
    credentials = f"{quote(s.database_user, safe='')}:{quote(s.database_password, safe='')}"
    address = f"{s.database_host}:{s.database_port}/{quote(s.database_name, safe='')}"
    return f"postgresql://{credentials}@{address}?sslmode={s.database_sslmode}"
