"""Trials as users begin them, in processes of their own, on the emulator of a running stack."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from deploy import suite
from deploy.trial.stage import LAYERS
from localstack.stack import Stack
from localstack.table import function_code

ROOT = Path(__file__).parents[2]


def packages(folder: Path) -> Path:
    """The code as it is deployed. The emulator takes layers from its interpreter: those here hold nothing."""
    folder.mkdir()
    (folder / "deployment.zip").write_bytes(function_code(ROOT))
    suite.pack_code(ROOT, folder / "scratch", folder / "tests.zip")
    for layer in LAYERS:
        with zipfile.ZipFile(folder / f"layer-{layer}.zip", "w") as archive:
            archive.writestr("python/README", layer)
    return folder


@dataclass
class Trial:
    """One that is under way. ``pid`` is its guard's, whose child is the worker."""

    directory: Path
    process: subprocess.Popen[str]

    @classmethod
    def begin(cls, directory: Path, stack: Stack, packed: Path, plugins: Path, *options: str) -> Trial:
        directory.mkdir()
        process = subprocess.Popen(
            [
                sys.executable, "-m", "deploy.trial", "--directory", directory, "--packages", packed,
                "--embedded", stack.data_dir, "--plugin-dir", plugins,
                # One trial at a time is on a network.
                "--network", f"net-{directory.name}", *options,
            ],
            cwd=ROOT,
            # A configuration file of the user's could send Terraform elsewhere for its provider.
            env={name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"},
            stdout=(directory / "output").open("w"),
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        return cls(directory, process)

    @property
    def name(self) -> str:
        return re.search(r"anonlink-t-[0-9a-f]{8}", self.output)[0]

    def keeps_its_folder(self) -> bool:
        return (self.directory / self.name).exists()

    @property
    def output(self) -> str:
        return (self.directory / "output").read_text()

    def wait_for(self, text: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while text not in self._said():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.2)

    def _said(self) -> str:
        logs = self.directory.glob("anonlink-t-*/terraform.log")
        return self.output + "".join(log.read_text() for log in logs)

    def worker(self) -> int:
        (child,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(child)

    def kill(self, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def end(self, seconds: float = 420) -> int:
        return self.process.wait(seconds)


def has_terraform() -> bool:
    return shutil.which("terraform") is not None
