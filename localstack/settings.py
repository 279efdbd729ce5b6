"""Where the stack lives: its directories, ports and passwords, the same at every start.

Presigned URLs and stored endpoints are bound to a port, so ports are kept in ``settings.json`` in
the data directory and taken again if they are free. Everything listens on 127.0.0.1 only.
"""

from __future__ import annotations

import json
import random
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localstack.errors import StackError

HOST = "127.0.0.1"  # one spelling everywhere: signatures cover it
DEFAULT_API_PORT = 8851
DEFAULT_DATA_DIR = Path(".local")
REGION = "us-east-1"  # the original's client signs for this region, whatever the service's
ACCOUNT = "000000000000"
ACCESS_KEY = SECRET_KEY = "test"  # the emulator's root user: loopback only, no security boundary
NAME_PREFIX = "anonlink"
SOURCE_DIR = Path(__file__).resolve().parent.parent
# Below the ports that the kernel gives to outgoing connections, one of which could
# otherwise sit on a stored port at the next start.
_PORT_RANGE = range(20_000, 32_000)


@dataclass(frozen=True)
class Settings:
    """One stack's settings. Paths are absolute."""

    data_dir: Path
    api_port: int
    emulator_port: int
    postgres_port: int
    redis_port: int
    postgres_password: str
    database_password: str
    redis_password: str

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def stack_file(self) -> Path:
        return self.data_dir / "stack.json"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api_port}"

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.emulator_port}"

    @property
    def postgres_url(self) -> str:
        return f"postgresql://anonlink:{self.database_password}@{HOST}:{self.postgres_port}/anonlink"

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.redis_password}@{HOST}:{self.redis_port}/0"

    @classmethod
    def load(cls, data_dir: Path, api_port: int) -> Settings:
        """This data directory's settings, made up at the first start.

        ``api_port`` 0 means any free port, the last one if possible. Raises StackError if the
        port that was asked for is taken.
        """
        stored = _read(data_dir / "settings.json")
        settings = cls(
            data_dir=data_dir,
            api_port=_checked(api_port) if api_port else _free_port(stored.get("api_port")),
            emulator_port=_free_port(stored.get("emulator_port")),
            postgres_port=_free_port(stored.get("postgres_port")),
            redis_port=_free_port(stored.get("redis_port")),
            postgres_password=stored.get("postgres_password") or _password(),
            database_password=stored.get("database_password") or _password(),
            redis_password=stored.get("redis_password") or _password(),
        )
        values = {name: value for name, value in asdict(settings).items() if name != "data_dir"}
        write_private(data_dir / "settings.json", values)
        return settings


def write_private(path: Path, values: dict[str, Any]) -> None:
    """Write JSON that only its owner reads, at once or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(values, indent=2))
    temporary.replace(path)


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        # As the servers do: else a connection of the last start, still in TIME_WAIT, looks like a user.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        stored: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stored


def _checked(port: int) -> int:
    if not is_free(port):
        raise StackError(f"port {port} is taken: stop what listens there, or choose another with PORT=…")
    return port


def _free_port(preferred: int | None) -> int:
    if preferred and is_free(preferred):
        return preferred
    for port in random.sample(_PORT_RANGE, 100):
        if is_free(port):
            return port
    raise StackError(f"no free port on {HOST} between {_PORT_RANGE.start} and {_PORT_RANGE.stop}")


def _password() -> str:
    # A letter first: it is filled into YAML, where 12345 and 1e5 would be numbers.
    return "p" + secrets.token_hex(16)
