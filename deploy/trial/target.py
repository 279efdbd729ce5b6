"""Where trials happen: a region of AWS, or the emulator of a running embedded stack."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psycopg2
from botocore.config import Config
from psycopg2 import sql

from deploy.trial.errors import TrialError
from localstack.errors import StackError
from localstack.settings import NAME_PREFIX
from localstack.stack import Stack

_CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 8})


@dataclass(frozen=True)
class Target:
    """A region, as the usual environment of AWS clients opens it; or the stack on ``data_dir``."""

    region: str
    data_dir: Path | None = None

    @classmethod
    def choose(cls, region: str | None, data_dir: Path | None) -> Target:
        """Raises TrialError if nothing says which region."""
        if data_dir is not None:
            return cls(_stack(data_dir).region, data_dir.resolve())
        region = region or boto3.Session().region_name
        if region is None:
            raise TrialError("no region: give --region, or set AWS_REGION")
        return cls(region)

    @classmethod
    def read(cls, path: Path) -> Target:
        """What ``write`` has written."""
        stored = json.loads(path.read_text())
        return cls(stored["region"], Path(stored["data_dir"]) if stored["data_dir"] else None)

    def write(self, path: Path) -> None:
        stored = {"region": self.region, "data_dir": str(self.data_dir) if self.data_dir else None}
        path.write_text(json.dumps(stored))

    def client(self, service: Any) -> Any:  # Any: the stubs' overloads want a literal
        if self.data_dir is None:
            return boto3.Session(region_name=self.region).client(service, config=_CLIENT)
        stack = _stack(self.data_dir)
        session = boto3.Session(stack.aws_access_key_id, stack.aws_secret_access_key, region_name=self.region)
        return session.client(service, endpoint_url=stack.aws_endpoint_url, config=_CLIENT)

    def account(self) -> str:
        """The number of the account. The first call of all: raises TrialError if AWS refuses it."""
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except Exception as error:  # whatever credentials can be: none, expired, of an unknown profile
            raise TrialError(f"AWS does not answer with these credentials: {error}") from error

    def environment(self) -> dict[str, str]:
        """Terraform's environment."""
        quiet = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "AWS_REGION": self.region}
        if self.data_dir is None:
            return os.environ | quiet
        stack = _stack(self.data_dir)
        others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return others | quiet | {
            "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
            "AWS_ACCESS_KEY_ID": stack.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": stack.aws_secret_access_key,
        }  # fmt: skip

    def emulator(self, trial: str) -> dict[str, Any] | None:
        """Terraform's variable of this name; null for AWS."""
        if self.data_dir is None:
            return None
        stack = _stack(self.data_dir)
        database, cache = urlsplit(stack.postgres_url), urlsplit(stack.redis_url)
        return {
            "endpoint_url": stack.aws_endpoint_url,
            "database": {
                "host": database.hostname,
                "port": database.port,
                "name": database_name(trial),
                "user": database.username,
            },
            "database_password": database.password,
            "cache": {"host": cache.hostname, "port": cache.port},
            "cache_password": cache.password,
        }

    def function_log(self, function: str) -> str | None:
        """What a function has printed, which an embedded stack keeps in a file; None for AWS."""
        if self.data_dir is None:
            return None
        path = Path(_stack(self.data_dir).logs_dir) / f"{function.removeprefix(f'{NAME_PREFIX}-')}.log"
        return path.read_text() if path.exists() else ""

    def create_database(self, trial: str) -> None:
        """A database of its own, where RDS makes none."""
        if self.data_dir is not None:
            with _administrator(self.data_dir) as cursor:
                name = sql.Identifier(database_name(trial))
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER anonlink").format(name))

    def drop_database(self, trial: str) -> None:
        """Whoever is connected is thrown out. A second call does nothing."""
        if self.data_dir is not None:
            with _administrator(self.data_dir) as cursor:
                name = sql.Identifier(database_name(trial))
                cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def has_database(self, trial: str) -> bool:
        """Whether the one that ``create_database`` makes is there."""
        if self.data_dir is None:
            return False
        with _administrator(self.data_dir) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database_name(trial)])
            return cursor.fetchone() is not None


def database_name(trial: str) -> str:
    return trial.replace("-", "_")


def _stack(data_dir: Path) -> Stack:
    try:
        return Stack.read(data_dir)
    except StackError as error:
        raise TrialError(str(error)) from error


@contextmanager
def _administrator(data_dir: Path) -> Iterator[Any]:
    """A cursor of the embedded Postgres's superuser; each statement is a transaction."""
    settings = json.loads((data_dir / "settings.json").read_text())
    where = urlsplit(_stack(data_dir).postgres_url)
    connection = psycopg2.connect(
        host=where.hostname, port=where.port, user="postgres", dbname="postgres", sslmode="disable",
        password=settings["postgres_password"], connect_timeout=5,
    )  # fmt: skip
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
