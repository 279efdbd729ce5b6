"""What the unit tests of storage and workflow stand on: a real Postgres and Redis, started once,
and S3 and STS in process. Step Functions is replaced at ``workflow.executions``."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator

import psycopg2
import pytest
import redis
from moto import mock_aws
from psycopg2.extras import RealDictCursor

from chalicelib import config
from chalicelib.storage import cache, clients, database, direct_uploads, migrate, secrets
from chalicelib.workflow import executions
from localstack import postgres
from localstack import redis as local_redis
from localstack.settings import HOST, Settings
from localstack.supervisor import Supervisor


@pytest.fixture(scope="session")
def stores(tmp_path_factory) -> Iterator[Settings]:
    settings = Settings.load(tmp_path_factory.mktemp("stores"), 0)
    settings.logs_dir.mkdir()
    parts = [postgres.part(settings), local_redis.part(settings)]
    supervisor = Supervisor(parts, settings.logs_dir, threading.Event())
    try:
        supervisor.start()
        yield settings
    finally:
        supervisor.stop()


@pytest.fixture
def override_settings(monkeypatch) -> Callable[..., None]:
    """Set environment variables; the settings and all clients are made anew."""

    def override(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        forget_process_state()

    return override


def forget_process_state() -> None:
    config.settings.cache_clear()
    for client in (
        clients.s3,
        clients.object_store,
        clients.public_object_store,
        clients.sts,
        clients.step_functions,
        clients.lambda_functions,
    ):
        client.cache_clear()
    database._disconnect()
    cache._client, cache._resting_until = None, 0.0
    secrets._kept, secrets._read_at = None, 0.0
    secrets._secrets_manager.cache_clear()
    direct_uploads._signer = None


@pytest.fixture
def database_settings(stores, override_settings) -> Iterator[Settings]:
    override_settings(
        DATABASE_HOST=HOST,
        DATABASE_PORT=str(stores.postgres_port),
        DATABASE_NAME="anonlink",
        DATABASE_USER="anonlink",
        DATABASE_PASSWORD=stores.database_password,
        DATABASE_SSLMODE="disable",
        REDIS_HOST=HOST,
        REDIS_PORT=str(stores.redis_port),
        REDIS_PASSWORD=stores.redis_password,
        REDIS_TLS="false",
        DATA_BUCKET="data",
        UPLOAD_BUCKET="upload",
        STATE_MACHINE_ARN_PREFIX="arn:aws:states:eu-west-1:000000000000:stateMachine:test-",
        SIGNER_ROLE_ARN="arn:aws:iam::000000000000:role/test-signer",
        FUNCTION_NAME_PREFIX="test-",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    yield stores
    forget_process_state()


@pytest.fixture(name="database")
def empty_database(database_settings) -> None:
    """Migrated, and empty."""
    migrate.migrate()

    @database.transactional
    def clear(cursor) -> None:
        cursor.execute("truncate projects, deletions cascade")

    clear()


@pytest.fixture
def redis_client(database_settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(database_settings.redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def started(monkeypatch) -> list[tuple[str, str, int]]:
    """The executions that were started: (machine, subject, attempt)."""
    calls: list[tuple[str, str, int]] = []
    monkeypatch.setattr(
        executions, "start", lambda machine, subject, attempt=1: calls.append((machine, subject, attempt))
    )
    return calls


@pytest.fixture
def stopped(monkeypatch) -> list[tuple[str, str, int]]:
    calls: list[tuple[str, str, int]] = []
    monkeypatch.setattr(executions, "stop", lambda *call: calls.append(call))
    return calls


@pytest.fixture
def fates(monkeypatch) -> dict[str, bool]:
    """Set the one fate that every execution has: ``fates["ended"] = True``."""
    chosen: dict[str, bool] = defaultdict(bool)
    monkeypatch.setattr(
        executions, "look_up", lambda *_: next(fate for fate, is_so in chosen.items() if is_so)
    )
    return chosen


@pytest.fixture
def service(database, redis_client, started, stopped) -> Iterator[None]:
    """Everything that a task touches, empty."""
    with mock_aws():
        for bucket in ("data", "upload"):
            clients.s3().create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        yield


@pytest.fixture
def separate_connections(stores) -> Iterator[Callable[[Callable], Callable]]:
    """Wrap a function so that each thread calls it with a connection of its own, as processes do."""
    local = threading.local()

    def connected():
        if not hasattr(local, "connection"):
            local.connection = psycopg2.connect(
                **database.connection_parameters(), cursor_factory=RealDictCursor
            )
        return local.connection

    original = database._connected
    database._connected = connected
    yield lambda function: function
    database._connected = original
