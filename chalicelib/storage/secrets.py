"""The database's login: from the environment or, where DATABASE_SECRET_ARN is set, from Secrets Manager.

A secret is read once a process and kept, until a connection fails: then it may have been rotated.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import ConfigurationError, settings
from chalicelib.errors import StoreUnavailable

# Between two readings, for a database that is away makes each connection fail. It is less than what
# callers go on trying, since a rotation changes the password a moment before the secret.
_MIN_AGE_SECONDS = 1


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(repr=False)


_kept: Login | None = None
_read_at = 0.0  # of time.monotonic()


def database_login() -> Login:
    """The user and the password to connect with.

    Raises StoreUnavailable when Secrets Manager gives none, ConfigurationError for a secret of another form.
    """
    s = settings()
    if not s.database_secret_arn:
        return Login(s.database_user, s.database_password)
    return _kept or _read(s.database_secret_arn)


def is_renewed() -> bool:
    """Whether the secret, read again, holds another login than before; ``database_login`` tells it then.

    False without a secret, and within a second of the last reading. Raises as ``database_login``.
    """
    arn = settings().database_secret_arn
    if not arn or time.monotonic() < _read_at + _MIN_AGE_SECONDS:
        return False
    return _kept != _read(arn)


def _read(arn: str) -> Login:
    global _kept, _read_at
    _read_at = time.monotonic()
    try:
        text = _secrets_manager().get_secret_value(SecretId=arn)["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise StoreUnavailable("The database's password is not available, try again shortly") from error
    try:
        secret = json.loads(text)
        login = Login(secret["username"], secret["password"])
    except (ValueError, KeyError, TypeError):
        # Without its cause, which would show the secret.
        raise ConfigurationError(
            "DATABASE_SECRET_ARN must name a secret that is JSON with username and password"
        ) from None
    _kept = login
    return login


@cache
def _secrets_manager() -> Any:
    # A request waits for it, which API Gateway gives up after 29 s.
    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("secretsmanager", config=config)
