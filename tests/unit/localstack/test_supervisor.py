"""Processes that start, die, come back and end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localstack.errors import PartFailed, Stopped
from localstack.supervisor import Part, Supervisor

FOREVER = "import time; time.sleep(1000)"
DEADLINE_SECONDS = 20


class Running:
    """Starts supervisors, and stops them at the end of the test."""

    def __init__(self, logs_dir: Path) -> None:
        self.logs_dir = logs_dir
        self.stop = threading.Event()
        self.supervisors: list[Supervisor] = []

    def __call__(self, *parts: Part) -> Supervisor:
        supervisor = Supervisor(parts, self.logs_dir, self.stop)
        self.supervisors.append(supervisor)
        supervisor.start()
        return supervisor


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Running]:
    runner = Running(tmp_path)
    yield runner
    for supervisor in runner.supervisors:
        supervisor.stop()


def part(code: str, name: str = "part", *, is_ready: bool = True, start_seconds: float = 60) -> Part:
    return Part(
        name=name,
        command=[sys.executable, "-c", code],
        is_ready=lambda: is_ready,
        start_seconds=start_seconds,
        stop_seconds=0.3,
    )


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} is still there")


def test_part_that_ends_while_starting_is_named_with_its_last_words(start: Running) -> None:
    with pytest.raises(PartFailed, match="part ended while starting"):
        start(part("print('no luck', flush=True)", is_ready=False))


def test_part_that_never_answers_is_given_up_at_its_deadline(start: Running) -> None:
    with pytest.raises(PartFailed, match=r"part did not answer in 0\.1 s"):
        start(part(FOREVER, is_ready=False, start_seconds=0.1))


def test_signal_while_starting_ends_the_wait(start: Running) -> None:
    start.stop.set()

    with pytest.raises(Stopped):
        start(part(FOREVER, is_ready=False))


def test_dead_part_is_restarted_and_the_others_are_left_alone(start: Running) -> None:
    supervisor = start(part(FOREVER, "one"), part(FOREVER, "two"))
    before = supervisor.pids
    os.kill(before["two"], signal.SIGKILL)
    os.waitid(os.P_PID, before["two"], os.WEXITED | os.WNOWAIT)

    revived = supervisor.revive()

    assert revived == ["two"]
    assert supervisor.pids["one"] == before["one"]
    assert supervisor.pids["two"] != before["two"]


def test_part_that_keeps_dying_is_given_up(start: Running) -> None:
    supervisor = start(part(FOREVER))

    def die_and_revive() -> None:
        for _ in range(10):
            pid = supervisor.pids["part"]
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            supervisor.revive()

    with pytest.raises(PartFailed, match="part keeps dying"):
        die_and_revive()


def test_stop_ends_what_ignores_its_signal_and_what_it_started(start: Running, tmp_path: Path) -> None:
    child_file = tmp_path / "child"
    stubborn = (
        "import pathlib, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"child = subprocess.Popen([sys.executable, '-c', {FOREVER!r}]);"
        f"path = pathlib.Path({str(child_file)!r}); path.with_suffix('.new').write_text(str(child.pid));"
        "path.with_suffix('.new').rename(path); time.sleep(1000)"
    )
    ready = Part("part", [sys.executable, "-c", stubborn], is_ready=child_file.exists, stop_seconds=0.2)
    supervisor = start(ready)

    supervisor.stop()

    wait_until_gone(int(child_file.read_text()))
    wait_until_gone(supervisor.pids["part"])


def test_output_goes_to_the_parts_log(start: Running) -> None:
    start(part(f"print('hello', flush=True); {FOREVER}"))
    log = start.logs_dir / "part.log"
    deadline = time.monotonic() + DEADLINE_SECONDS

    while not (log.exists() and log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert log.read_text() == "hello\n"
