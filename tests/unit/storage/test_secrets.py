"""The password from Secrets Manager: read once, and again when it may have been rotated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import boto3
import psycopg2
import pytest
from moto import mock_aws
from psycopg2 import sql

from chalicelib.config import ConfigurationError
from chalicelib.errors import StoreUnavailable
from chalicelib.storage import database, migrate, secrets
from localstack.settings import HOST
from tests.unit.storage.test_database import backend_pid, end_sessions

ARN = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:none-AbCdEf"


@pytest.fixture
def put_secret(database_settings, override_settings) -> Iterator[Callable[[str], None]]:
    """Write the secret that the service is told of; there is no password in its environment."""
    with mock_aws():
        override_settings(DATABASE_USER="", DATABASE_PASSWORD="", DATABASE_SECRET_ARN=ARN)
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="database", SecretString="{}")["ARN"]
        override_settings(DATABASE_SECRET_ARN=arn)
        yield lambda text: client.put_secret_value(SecretId=arn, SecretString=text)


@pytest.fixture
def put_password(put_secret) -> Callable[[str], None]:
    return lambda password: put_secret(json.dumps({"username": "anonlink", "password": password}))


@pytest.fixture
def change_password(stores) -> Iterator[Callable[[str], None]]:
    """Change it in Postgres; it is changed back."""

    def change(password: str) -> None:
        admin = psycopg2.connect(
            host=HOST, port=stores.postgres_port, user="postgres", password=stores.postgres_password,
            dbname="postgres", sslmode="disable",
        )  # fmt: skip
        with admin, admin.cursor() as cursor:
            cursor.execute(sql.SQL("alter role anonlink password {}").format(sql.Literal(password)))
        admin.close()

    yield change
    change(stores.database_password)


@pytest.fixture
def readings(monkeypatch) -> list[str]:
    """The ARNs that were read, by whatever reads them."""
    read, arns = secrets._read, []

    def counting(arn: str) -> secrets.Login:
        arns.append(arn)
        return read(arn)

    monkeypatch.setattr(secrets, "_read", counting)
    return arns


def test_the_secret_is_read_once(put_password, database_settings, readings):
    put_password(database_settings.database_password)

    first = backend_pid()
    database._disconnect()

    assert backend_pid() != first
    assert len(readings) == 1
    assert migrate.migrate()["applied"] is not None


def test_a_rotation_needs_no_new_function(
    put_password, change_password, database_settings, monkeypatch, readings
):
    monkeypatch.setattr(secrets, "_MIN_AGE_SECONDS", 0)
    put_password(database_settings.database_password)
    first = backend_pid()

    change_password("rotated")
    put_password("rotated")
    kept = backend_pid()
    end_sessions(database_settings)
    second = backend_pid()

    assert kept == first  # a session outlives its password
    assert second != first
    assert len(readings) == 2


def test_a_call_between_both_halves_of_a_rotation_waits(
    put_password, change_password, database_settings, monkeypatch
):
    monkeypatch.setattr(secrets, "_MIN_AGE_SECONDS", 0)
    put_password(database_settings.database_password)
    change_password("rotated")  # the secret is not, yet
    is_renewed, looks = secrets.is_renewed, []

    def rotating() -> bool:
        looks.append(1)
        if len(looks) == 3:
            put_password("rotated")
        return is_renewed()

    monkeypatch.setattr(secrets, "is_renewed", rotating)

    assert backend_pid()
    assert len(looks) == 3


def test_a_database_that_is_away_costs_a_reading_a_second_at_most(
    put_password, override_settings, monkeypatch, readings
):
    monkeypatch.setattr(secrets, "_MIN_AGE_SECONDS", 60)
    monkeypatch.setattr(database, "_PAUSES_SECONDS", (0, 0, 0, 0))
    put_password("whatever")
    override_settings(DATABASE_PORT="1")

    with pytest.raises(StoreUnavailable):
        backend_pid()

    assert len(readings) == 1


@pytest.mark.parametrize("text", ["hunter2", "[]", '{"username": "anonlink"}'])
def test_a_secret_of_another_form_is_named_and_not_shown(put_secret, text):
    put_secret(text)

    with pytest.raises(ConfigurationError, match="DATABASE_SECRET_ARN") as raised:
        secrets.database_login()

    assert text not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.usefixtures("put_secret")
def test_a_secret_that_is_not_there_is_no_connection(override_settings):
    override_settings(DATABASE_SECRET_ARN=ARN)

    with pytest.raises(StoreUnavailable):
        backend_pid()


def test_a_login_does_not_show_its_password():
    assert "hunter2" not in repr(secrets.Login("anonlink", "hunter2"))
