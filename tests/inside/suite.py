"""One module of the contract suite, run by a pytest of its own.

In a process, so that each call begins anew in a warm function, and so that a suite that hangs can be
stopped while there is time to tell of it. Lambda's code cannot be written to: only /tmp can.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from junitparser import JUnitXml

from tests.inside import reports

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "tests" / "contract"
_STOP_SECONDS = 10
# What is no result of tests but of the run; 0 and 1 are: all passed, some failed.
_ENDS = {
    2: "the module could not be imported, or pytest was interrupted",
    3: "pytest itself failed",
    4: "pytest refused what it was asked: is there such a module?",
    5: "there was no test in it",
}


def run(module: str, server: str, seconds: float, directory: Path) -> tuple[JUnitXml, str]:
    """Its report, and what pytest said. What is not an answer of tests is an error in the report.

    ``directory`` is empty and takes everything that is written. After ``seconds`` pytest is interrupted: the
    report then has the tests that had ended by then.
    """
    report_path, log_path = directory / "report.xml", directory / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            _command(module, report_path, directory),
            cwd=ROOT,
            env=_environment(server, directory),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        is_in_time = _wait(process, seconds)
    report = _read(module, report_path)
    if not is_in_time:
        report = reports.interrupted(module, f"the module did not end within {seconds:.0f} s", report)
    elif process.returncode not in (0, 1) or report is None or not report.tests:
        end = _ENDS.get(process.returncode, f"pytest ended with {process.returncode} and no tests")
        report = reports.with_error(module, f"{end}: see the module's log", report)
    return report, log_path.read_text(errors="replace")


def _command(module: str, report: Path, directory: Path) -> list[str]:
    return [
        sys.executable, "-B", "-m", "pytest", f"tests/contract/{module}", "-p", "no:cacheprovider",
        f"--junit-xml={report}", f"--basetemp={directory / 'files'}", "--durations=10", "-r", "s",
    ]  # fmt: skip


def _environment(server: str, directory: Path) -> dict[str, str]:
    return os.environ | {
        "SERVER": server,
        "PYTHONPATH": os.pathsep.join(sys.path),  # with the layers, in the order that Lambda gave them
        "HOME": str(directory),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(directory / "hypothesis"),
    }


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends by itself; else it is interrupted, and killed if that doesn't end it either."""
    try:
        process.wait(max(0, seconds))
        return True
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return False


def _read(module: str, path: Path) -> JUnitXml | None:
    if not path.exists():
        return None
    report = reports.join([JUnitXml.fromfile(str(path))])
    for suite in report:
        suite.name = module  # pytest calls all of them pytest
    return report
