"""Starts a trial's worker and waits for it; cleans up in its place if it is killed.

The other way round works, too: the worker holds one end of a pipe, so it notices when this process is
killed, and cleans up. Both would have to be killed at once for anything to stay.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from deploy.trial.stage import Stage
from deploy.trial.worker import FAILED, LEFT_OVER, PASSED

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def guard(arguments: Sequence[str], folder: Path, root: Path) -> int:
    """Run ``deploy.trial`` with ``arguments`` as the worker of the trial in ``folder``.

    Returns its exit code. Signals are passed on to the worker, which then cleans up. ``root`` is where
    ``arguments`` look for relative paths, and Python for the package.
    """
    reading, writing = os.pipe()
    worker = subprocess.Popen(
        [sys.executable, "-m", "deploy.trial", *arguments, "--lifeline", str(reading)],
        cwd=root,
        stdin=subprocess.DEVNULL,
        pass_fds=[reading],
        start_new_session=True,  # a Ctrl-C reaches it once, through this process
    )
    os.close(reading)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        worker.send_signal(number)

    for number in _SIGNALS:
        signal.signal(number, pass_on)
    code = worker.wait()
    os.close(writing)
    if code >= 0:
        return code
    print(f"the trial was killed by {signal.Signals(-code).name}: cleaning up", flush=True)
    return clean(folder) or FAILED


def clean(folder: Path) -> int:
    """Destroy the trial in ``folder``; returns an exit code. Terraform waits until an orphan has ended."""
    if not (folder / "target.json").exists():
        return PASSED
    left = Stage.read(folder).destroy()
    print(f"{folder.name}: {'NOT DESTROYED: ' + ', '.join(left) if left else 'nothing is left'}", flush=True)
    return LEFT_OVER if left else PASSED
