"""A running stack from outside: for tests, the demo and the command line.

The stack runs in a process of its own, supervised by its ``stack.json``, which is there exactly while
it is ready. ``running`` is the way in:

    with running(tmp_path) as stack:
        requests.get(f"{stack.api_url}/api/v1/status")
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Literal

from localstack.errors import StackError
from localstack.lock import holder
from localstack.settings import SOURCE_DIR

PartName = Literal["postgres", "redis", "emulator"]
_START_SECONDS = 120
_STOP_SECONDS = 30
_POLL_SECONDS = 0.02


@dataclass
class Stack:
    """What ``stack.json`` holds. ``restart`` and ``refresh`` bring the fields up to date in place."""

    api_url: str
    s3_endpoint: str  # host:port
    aws_endpoint_url: str
    step_functions_endpoint: str
    region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    postgres_url: str
    redis_url: str
    data_dir: str
    logs_dir: str
    pid: int  # the supervisor
    pids: dict[str, int]  # postgres, redis, emulator
    data_bucket: str
    upload_bucket: str
    functions: dict[str, str]  # name in functions.yaml → name in Lambda
    state_machines: dict[str, str]  # name → ARN
    rest_api_id: str
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _source: Path = field(default=SOURCE_DIR, repr=False)

    @classmethod
    def read(cls, data_dir: Path) -> Stack:
        """The stack that runs on ``data_dir``. Raises StackError if none does."""
        if holder(data_dir) is None:
            raise StackError(f"no stack runs on {data_dir}: start one with `make serve`")
        try:
            values = json.loads((data_dir / "stack.json").read_text())
        except FileNotFoundError:
            raise StackError(f"the stack on {data_dir} is not ready yet") from None
        return cls(**values)

    def refresh(self) -> None:
        """Read ``stack.json`` again: parts that were restarted have other process numbers."""
        fresh = Stack.read(Path(self.data_dir))
        for item in fields(self):
            if not item.name.startswith("_"):
                setattr(self, item.name, getattr(fresh, item.name))

    def stop(self) -> None:
        """End the stack, wait until it has; the data stays."""
        stop(Path(self.data_dir))
        if self._process:
            self._process.wait(_STOP_SECONDS)

    def restart(self) -> None:
        """Stop and start again on the same data and the same ports."""
        port = int(self.api_url.rsplit(":", 1)[1])
        self.stop()
        self._process = _start(Path(self.data_dir), port, self._source)
        self.refresh()

    def kill(self, part: PartName) -> None:
        """Kill a part as by kill -9, and wait until the supervisor has restarted it."""
        pid = self.pids[part]
        os.kill(pid, signal.SIGKILL)

        def is_back() -> bool:
            self.refresh()
            return self.pids[part] != pid

        _wait(is_back, _START_SECONDS, f"{part} was not restarted")

    def kill_supervisor(self) -> None:
        """Kill the supervisor as by kill -9, and wait until all parts have followed it."""
        pids = [self.pid, *self.pids.values()]
        os.kill(self.pid, signal.SIGKILL)
        if self._process:
            self._process.wait()
        _wait(lambda: not any(map(is_alive, pids)), _STOP_SECONDS, "parts outlived their supervisor")

    def start(self) -> None:
        """Start again after ``stop`` or ``kill_supervisor``."""
        self._process = _start(Path(self.data_dir), int(self.api_url.rsplit(":", 1)[1]), self._source)
        self.refresh()


@contextmanager
def running(
    data_dir: Path, port: int = 0, *, source: Path = SOURCE_DIR, reuse: bool = False
) -> Iterator[Stack]:
    """A stack on ``data_dir`` that is stopped at the end.

    ``port`` 0 means any free one. ``reuse`` takes a stack that already runs there, and leaves it
    running. Raises StackError with what the supervisor said if it doesn't come up.
    """
    data_dir = data_dir.resolve()
    if reuse and holder(data_dir) is not None:
        _wait((data_dir / "stack.json").exists, _START_SECONDS, f"the stack on {data_dir} did not get ready")
        yield Stack.read(data_dir)
        return
    process = _start(data_dir, port, source)
    stack = Stack.read(data_dir)
    stack._process, stack._source = process, source
    try:
        yield stack
    finally:
        stack.stop()


def stop(data_dir: Path) -> bool:
    """Stop the stack on ``data_dir``; whether there was one. Raises StackError if it doesn't end."""
    pid = holder(data_dir)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    _wait(lambda: holder(data_dir) is None, _STOP_SECONDS, f"the supervisor (process {pid}) does not end")
    return True


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _start(data_dir: Path, port: int, source: Path) -> subprocess.Popen[bytes]:
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "localstack", "serve",
        "--data-dir", str(data_dir), "--port", str(port), "--source", str(source),
        "--parent", str(os.getpid()),
    ]  # fmt: skip
    with (data_dir / "errors.txt").open("w+b") as errors:
        process = subprocess.Popen(
            command,
            cwd=SOURCE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # a Ctrl-C is for whom started us; we are stopped in order
        )
        _wait(lambda: _is_ready(data_dir, process, errors), _START_SECONDS, "the stack did not get ready")
    return process


def _is_ready(data_dir: Path, process: subprocess.Popen[bytes], errors: IO[bytes]) -> bool:
    if process.poll() is not None:
        errors.seek(0)
        raise StackError(errors.read().decode().strip() or f"the stack ended with {process.returncode}")
    try:
        return bool(json.loads((data_dir / "stack.json").read_text())["pid"] == process.pid)
    except FileNotFoundError:
        return False


def _wait(condition: Callable[[], bool], seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"{complaint} in {seconds:g} s")
        time.sleep(_POLL_SECONDS)
