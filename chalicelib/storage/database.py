"""One Postgres connection a process, and transactions that survive its loss.

A function of storage takes a cursor as its first parameter and is decorated with ``transactional``;
callers leave the cursor out. A connection that broke (the database restarted, the proxy closed it)
is replaced and the whole transaction run again, so what such a function does must be safe to repeat.
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

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Cursor = RealDictCursor

# A warm function may meet a database that is just being restarted: one retry isn't enough.
_PAUSES_SECONDS = (0, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 1.5)

_connection: Any = None


def connection_parameters() -> dict[str, Any]:
    """The arguments of ``psycopg2.connect``."""
    s = settings()
    return {
        "host": s.database_host,
        "port": s.database_port,
        "dbname": s.database_name,
        "user": s.database_user,
        "password": s.database_password,
        "sslmode": s.database_sslmode,
        "connect_timeout": 5,
        "application_name": "anonlink-serverless",
        # A transaction of a killed function must not hold its locks for hours.
        "options": "-c statement_timeout=25s -c idle_in_transaction_session_timeout=60s",
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
        raise StoreUnavailable("The database is not available, try again shortly") from failure

    return in_transaction


def only_row(cursor: Cursor) -> dict[str, Any]:
    """The row of a query that always gives exactly one."""
    (row,) = cursor.fetchall()
    return dict(row)


def _connected() -> Any:
    global _connection
    if _connection is None or _connection.closed:
        _connection = psycopg2.connect(**connection_parameters(), cursor_factory=RealDictCursor)
    return _connection


def _disconnect() -> None:
    global _connection
    if _connection is not None:
        _connection.close()
    _connection = None
