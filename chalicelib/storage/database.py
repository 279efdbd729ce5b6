"""One Postgres connection a process, and transactions that survive its loss.

A function of storage takes a cursor as its first parameter and is decorated with ``transactional``;
callers leave the cursor out. A connection that broke (the database restarted, the proxy closed it)
is replaced and the whole transaction run again, so what such a function does must be safe to repeat.
How long statements may take is the role's own setting, made by ``migrate``: RDS Proxy refuses options
at the start of a session, and would keep a connection to itself for one that sets them later.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg2
from psycopg2.errors import QueryCanceled
from psycopg2.extras import RealDictCursor

from chalicelib.config import settings
from chalicelib.errors import StoreUnavailable
from chalicelib.observability import count
from chalicelib.storage import secrets

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Cursor = RealDictCursor

# A warm function may meet a database that is just being restarted: one retry isn't enough.
_PAUSES_SECONDS = (0, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 1.5)

_connection: Any = None


def connection_parameters() -> dict[str, Any]:
    """The arguments of ``psycopg2.connect``. Raises StoreUnavailable without a password at run time."""
    s = settings()
    login = secrets.database_login()
    verification = {"sslrootcert": s.database_sslrootcert} if s.database_sslrootcert else {}
    return {
        "host": s.database_host,
        "port": s.database_port,
        "dbname": s.database_name,
        "user": login.user,
        "password": login.password,
        "sslmode": s.database_sslmode,
        **verification,
        "connect_timeout": 5,
        "application_name": "anonlink-serverless",
    }


def transactional(
    function: Callable[Concatenate[Cursor, Parameters], Result],
) -> Callable[Parameters, Result]:
    """Run ``function(cursor, …)`` in a transaction of its own.

    Raises StoreUnavailable when no connection can be had for about five seconds.
    """

    @functools.wraps(function)
    def in_transaction(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        failure: Exception | None = None
        for pause in _PAUSES_SECONDS:
            time.sleep(pause)
            try:
                # Leaving the connection's block commits, or rolls back what raised.
                with _connected() as connection, connection.cursor() as cursor:
                    return function(cursor, *args, **kwargs)
            except QueryCanceled as error:  # took too long once, and would again
                failure = error
                break
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                failure = error
                _disconnect()
                count("DatabaseReconnects")
        raise StoreUnavailable("The database is not available, try again shortly") from failure

    return in_transaction


def connect(**options: Any) -> Any:
    """A connection of its own. Raises psycopg2.OperationalError, or StoreUnavailable without a password."""
    try:
        return psycopg2.connect(**connection_parameters(), **options)
    except psycopg2.OperationalError:  # it has no code that would tell a wrong password
        if not secrets.is_renewed():
            raise
        return psycopg2.connect(**connection_parameters(), **options)


def only_row(cursor: Cursor) -> dict[str, Any]:
    """The row of a query that always gives exactly one."""
    (row,) = cursor.fetchall()
    return dict(row)


def _connected() -> Any:
    global _connection
    if _connection is None or _connection.closed:
        _connection = connect(cursor_factory=RealDictCursor)
    return _connection


def _disconnect() -> None:
    global _connection
    if _connection is not None:
        _connection.close()
    _connection = None
