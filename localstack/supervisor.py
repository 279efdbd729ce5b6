"""Starts processes, waits until they answer, restarts those that die and stops them all.

Every part is a process group of its own, so that what it started in turn goes with it; and it is told
to end by the kernel if the supervisor dies, so that nothing is left running. Parts know nothing of one
another: the order is that in which they were given, and stopping goes the other way round.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localstack.errors import PartFailed, Stopped
from localstack.logs import log_file, tail

_POLL_SECONDS = 0.02
_MAX_CRASHES = 5
_CRASH_WINDOW_SECONDS = 60
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Part:
    """A process to run: ``is_ready`` is asked until it says yes, and may raise nothing."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    standard_input: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    start_seconds: float = 60
    stop_seconds: float = 8


class Supervisor:
    """Keeps ``parts`` running. For one thread, the one that starts it: children die with that thread."""

    def __init__(self, parts: Sequence[Part], logs_dir: Path, stop: threading.Event) -> None:
        self._parts = parts
        self._logs_dir = logs_dir
        self._stop = stop
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._crashes: dict[str, list[float]] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def start(self) -> None:
        """Start every part at once and wait for all. Raises PartFailed, or Stopped if told to stop."""
        for part in self._parts:
            self._spawn(part)
        for part in self._parts:
            self._await(part)

    def revive(self) -> list[str]:
        """Restart the parts that died; returns their names. Raises PartFailed if one keeps dying."""
        dead = [part for part in self._parts if self._processes[part.name].poll() is not None]
        for part in dead:
            code = self._processes[part.name].returncode
            self._kill_group(part)
            self._count_crash(part, code)
            self._spawn(part)
            self._await(part)
        return [part.name for part in dead]

    def stop(self) -> None:
        """End all parts, the last first: by their signal, and by SIGKILL after their time."""
        for part in reversed(self._parts):
            process = self._processes.get(part.name)
            if process is None:
                continue
            if process.poll() is None:
                process.send_signal(part.stop_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):  # the whole group is killed next
                    process.wait(part.stop_seconds)
            self._kill_group(part)
            process.wait()

    def _spawn(self, part: Part) -> None:
        parent = os.getpid()

        def die_with_supervisor() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, part.stop_signal)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

        process = subprocess.Popen(
            part.command,
            env=part.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=die_with_supervisor,
        )
        self._processes[part.name] = process
        threading.Thread(target=self._copy_log, args=(part.name, process), daemon=True).start()
        assert process.stdin is not None
        try:
            process.stdin.write(part.standard_input)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at once: waiting for it says why

    def _copy_log(self, name: str, process: subprocess.Popen[str]) -> None:
        log = log_file(self._logs_dir, name)
        assert process.stdout is not None
        for line in process.stdout:
            log.info(line.rstrip("\n"))

    def _await(self, part: Part) -> None:
        process = self._processes[part.name]
        deadline = time.monotonic() + part.start_seconds
        while not part.is_ready():
            if process.poll() is not None:
                raise PartFailed(f"{part.name} ended while starting: {self._last_words(part)}")
            if time.monotonic() > deadline:
                raise PartFailed(
                    f"{part.name} did not answer in {part.start_seconds:g} s: {self._last_words(part)}"
                )
            if self._stop.wait(_POLL_SECONDS):
                raise Stopped("stopped while starting")
        if process.poll() is not None:  # it was another that answered, on the same port
            raise PartFailed(f"{part.name} ended while starting: {self._last_words(part)}")

    def _last_words(self, part: Part) -> str:
        path = self._logs_dir / f"{part.name}.log"
        return f"{tail(path) or 'it said nothing'} ({path})"

    def _count_crash(self, part: Part, code: int) -> None:
        now = time.monotonic()
        recent = [at for at in self._crashes.get(part.name, []) if now - at < _CRASH_WINDOW_SECONDS]
        self._crashes[part.name] = [*recent, now]
        if len(recent) >= _MAX_CRASHES:
            raise PartFailed(f"{part.name} keeps dying (exit code {code}): {self._last_words(part)}")

    def _kill_group(self, part: Part) -> None:
        # The group outlives its leader as long as a worker does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._processes[part.name].pid, signal.SIGKILL)
