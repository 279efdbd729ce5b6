"""One supervisor a data directory: a lock file that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localstack.errors import AlreadyRunning

_FILE = "supervisor.lock"
# `holder` takes the lock for a moment to look: that must not turn a supervisor away.
_PATIENCE_SECONDS = 0.5


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the lock. Raises AlreadyRunning, with the process that holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data_dir / _FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(descriptor):
            pid = os.read(descriptor, 20).decode().strip() or "unknown"
            raise AlreadyRunning(
                f"a stack already runs on {data_dir} (process {pid}): stop it with "
                "`make stop`, or choose another directory with DATA_DIR=…"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(data_dir: Path) -> int | None:
    """The process whose stack runs on ``data_dir``, or None."""
    try:
        with (data_dir / _FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        pass
    return None


def _take(descriptor: int) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True
