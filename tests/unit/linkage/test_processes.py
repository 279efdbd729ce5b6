from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from chalicelib.linkage import processes
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, concatenate
from chalicelib.linkage.processes import ComparisonFailed, run_in_processes


def pairs(first: int, count: int) -> np.ndarray:
    made = np.zeros(count, dtype=CANDIDATE_DTYPE)
    made["record_a"] = range(first, first + count)
    return made


def wait_for_ever():
    time.sleep(600)
    yield


def test_everything_that_the_jobs_give_arrives(monkeypatch):
    monkeypatch.setattr(processes, "PIPE_PIECE_PAIRS", 1_000)  # less than a job gives at once

    found = run_in_processes([partial(lambda first: [pairs(first, 2_500)], start) for start in (0, 2_500)])

    assert sorted(concatenate(found)["record_a"].tolist()) == list(range(5_000))


def test_no_job_gives_nothing():
    assert run_in_processes([]) == []


def test_an_error_in_a_child_is_raised_with_its_text():
    def fail():
        raise MemoryError("no room for 5 rows")

    with pytest.raises(ComparisonFailed, match="MemoryError: no room for 5 rows"):
        run_in_processes([wait_for_ever, fail, wait_for_ever])


def test_a_killed_child_is_an_error_and_no_child_is_left():
    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    before = children_of(os.getpid())

    with pytest.raises(ComparisonFailed, match="killed by SIGKILL"):
        run_in_processes([wait_for_ever, die, wait_for_ever])

    assert children_of(os.getpid()) == before


def test_children_die_with_the_worker():
    program = """
        import os
        import time
        from chalicelib.linkage.processes import run_in_processes

        def job():
            os.write(1, b"started\\n")
            time.sleep(600)
            yield

        run_in_processes([job, job])
    """
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert [worker.stdout.readline() for _ in range(2)] == ["started\n"] * 2

    worker.kill()

    assert worker.stdout.read() == ""  # ends once the last process that holds the pipe is gone
    worker.wait()


def children_of(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
