"""One connection that survives, by TLS to whom it trusts, with limits that no session asks for."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
import trustme

from chalicelib.errors import StoreUnavailable
from chalicelib.storage import database, migrate
from localstack.settings import HOST
from tests.unit.storage import tls


@database.transactional
def backend_pid(cursor) -> int:
    cursor.execute("select pg_backend_pid() as pid")
    return database.only_row(cursor)["pid"]


@database.transactional
def shown(cursor, name: str) -> str:
    cursor.execute("select current_setting(%s) as value", [name])
    return database.only_row(cursor)["value"]


@pytest.fixture
def reconnects(monkeypatch) -> list[str]:
    counted: list[str] = []
    monkeypatch.setattr(database, "count", counted.append)
    return counted


@pytest.fixture
def no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(database, "_PAUSES_SECONDS", (0, 0))


def end_sessions(stores) -> None:
    admin = psycopg2.connect(
        host=HOST, port=stores.postgres_port, user="postgres", password=stores.postgres_password,
        dbname="postgres", sslmode="disable",
    )  # fmt: skip
    with admin, admin.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'anonlink'")
    admin.close()


@pytest.mark.usefixtures("database")
def test_a_connection_that_is_lost_is_replaced_and_counted(stores, reconnects):
    before = backend_pid()
    end_sessions(stores)

    assert backend_pid() != before
    assert reconnects == ["DatabaseReconnects"]


@pytest.mark.usefixtures("database")
def test_sessions_are_limited_without_startup_options_or_set(database_settings):
    parameters = database.connection_parameters()

    assert "options" not in parameters
    assert shown("statement_timeout") == "25s"
    assert shown("idle_in_transaction_session_timeout") == "1min"


@pytest.mark.usefixtures("database")
def test_other_databases_of_the_role_have_no_limits(database_settings):
    other = psycopg2.connect(**database.connection_parameters() | {"dbname": "postgres"})

    with other, other.cursor() as cursor:
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("0",)
    other.close()


@pytest.mark.usefixtures("database_settings")
def test_migrating_has_no_limit_and_sets_it_again(monkeypatch, tmp_path):
    monkeypatch.setattr(
        migrate,
        "_SESSION_LIMITS",
        {"statement_timeout": "50ms", "idle_in_transaction_session_timeout": "60s"},
    )
    migrate.migrate()
    (tmp_path / "9999-slow.sql").write_text("select pg_sleep(0.1);")
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)

    applied = migrate.migrate()["applied"]
    monkeypatch.undo()
    limit_while_short = shown_anew("statement_timeout")
    migrate.migrate()

    assert applied == ["9999-slow"]
    assert limit_while_short == "50ms"
    assert shown_anew("statement_timeout") == "25s"


def shown_anew(name: str) -> str:
    database._disconnect()
    return shown(name)


@pytest.mark.usefixtures("database")
def test_a_statement_that_takes_too_long_is_not_repeated(reconnects):
    calls = []

    @database.transactional
    def slow(cursor) -> None:
        calls.append(1)
        cursor.execute("set local statement_timeout = '20ms'; select pg_sleep(5)")

    with pytest.raises(StoreUnavailable):
        slow()
    assert calls == [1]


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_port(authority, database_settings) -> Iterator[int]:
    backend = database_settings.postgres_port
    with tls.terminator(authority, "localhost", backend, asks_as_postgres=True) as port:
        yield port


@pytest.mark.parametrize(
    ("mode", "host"), [("verify-full", "localhost"), ("verify-ca", HOST), ("require", HOST)]
)
def test_tls_takes_a_server_of_the_authority(tls_port, authority, override_settings, tmp_path, mode, host):
    authority.cert_pem.write_to_path(tmp_path / "its")
    override_settings(
        DATABASE_HOST=host,
        DATABASE_PORT=str(tls_port),
        DATABASE_SSLMODE=mode,
        DATABASE_SSLROOTCERT=str(tmp_path / "its"),
    )

    assert backend_pid()
    assert database._connection.info.ssl_in_use
    migrate.migrate()


@pytest.mark.parametrize(
    ("mode", "host", "ca", "reason"),
    [
        ("verify-full", "localhost", "another", "certificate verify failed"),
        ("verify-ca", "localhost", "another", "certificate verify failed"),
        ("verify-full", HOST, "its", "does not match host name"),
        ("verify-full", "localhost", "absent", "does not exist"),
    ],
)
@pytest.mark.usefixtures("no_pauses")
def test_tls_refuses_whom_it_cannot_verify_and_keeps_the_password(
    tls_port, authority, database_settings, override_settings, tmp_path, mode, host, ca, reason
):
    authority.cert_pem.write_to_path(tmp_path / "its")
    trustme.CA().cert_pem.write_to_path(tmp_path / "another")
    override_settings(
        DATABASE_HOST=host,
        DATABASE_PORT=str(tls_port),
        DATABASE_SSLMODE=mode,
        DATABASE_SSLROOTCERT=str(tmp_path / ca),
    )

    with pytest.raises(StoreUnavailable) as raised:
        backend_pid()

    cause = str(raised.value.__cause__)
    assert reason in cause
    assert database_settings.database_password not in cause
