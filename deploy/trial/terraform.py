"""Terraform in a folder that holds all it needs: a copy of the modules, its data, its state, its log.

So it can be destroyed whatever becomes of the repository meanwhile, and two trials share nothing. Only one
signal ever reaches a running Terraform: it then lets go of what it waits for and writes its state. After a
second one it would not.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.trial.errors import TrialError
from deploy.trial.limits import Watch

# What the root module reads beside itself.
SOURCES = ("terraform", "functions.yaml", "stepfunctions", "chalicelib/storage/migrations")
_NOT_COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__", "examples", "tests")
_PATIENCE_SECONDS = 180  # for what an interrupted Terraform still has to write
_LOCK_TIMEOUT = "-lock-timeout=20m"  # an orphan of a killed trial may still work
# Between attempts to destroy: a store that an interrupted apply has begun can't go before it is there.
DESTROY_PAUSES_SECONDS = [5, 60, 120, 240]
_PR_SET_PDEATHSIG = 1


class Terraform:
    """One root module, ``module`` below terraform/, in ``folder``; ``options`` are of apply and destroy."""

    def __init__(
        self,
        folder: Path,
        module: str,
        environment: Mapping[str, str],
        plugin_dir: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "terraform.log"
        self._directory = self.folder / "source" / "terraform" / module
        self._environment = dict(environment) | {"TF_DATA_DIR": str(self.folder / "data")}
        self._plugin_dir = plugin_dir
        self._changing = ("-auto-approve", _LOCK_TIMEOUT, *options)

    def copy(
        self, root: Path, variables: Mapping[str, Any], backend: Mapping[str, Any] | None = None
    ) -> None:
        """Bring the modules of ``root`` and their variables here. The state stays; null is a local one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # passwords are in it
        shutil.rmtree(self.folder / "source", ignore_errors=True)
        for name in SOURCES:
            source, copied = root / name, self.folder / "source" / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copied, ignore=_NOT_COPIED)
            else:
                shutil.copy(source, copied)
        (self._directory / "terraform.tfvars.json").write_text(json.dumps(variables))
        where = backend or {"local": {"path": str(self.folder / "terraform.tfstate")}}
        (self._directory / "backend.tf.json").write_text(json.dumps({"terraform": {"backend": where}}))

    def apply(self, watch: Watch, show: Callable[[str], None] = lambda _: None) -> None:
        """Raises TrialError; Stopped once Terraform has ended, with its state written."""
        self._init(watch)
        self._run("apply", *self._changing, watch=watch, show=show)

    def destroy(self, show: Callable[[str], None] = lambda _: None) -> None:
        """Asks nobody, and tries again. Raises TrialError if something stays."""
        if not self.exists():
            return
        for pause_seconds in (*DESTROY_PAUSES_SECONDS, None):
            try:
                self._init(None)
                self._run("destroy", *self._changing, show=show)
                return
            except TrialError:
                if pause_seconds is None:
                    raise
                time.sleep(pause_seconds)

    def exists(self) -> bool:
        """Whether it was ever applied, as far as is known here."""
        backend = self._directory / "backend.tf.json"
        is_remote = (
            backend.exists() and "local" not in json.loads(backend.read_text())["terraform"]["backend"]
        )
        return is_remote or (self.folder / "terraform.tfstate").exists()

    def resources(self) -> list[str]:
        """What the state knows of."""
        return self._ask("state", "list").split() if self.exists() else []

    def output(self, name: str) -> Any:
        return json.loads(self._ask("output", "-json", name))

    def _init(self, watch: Watch | None) -> None:
        plugins = [f"-plugin-dir={self._plugin_dir.resolve()}"] if self._plugin_dir else []
        self._run("init", "-reconfigure", *plugins, watch=watch)

    def _ask(self, *arguments: str) -> str:
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self._directory, env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise TrialError(f"terraform {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def _run(
        self,
        command: str,
        *options: str,
        watch: Watch | None = None,
        show: Callable[[str], None] = lambda _: None,
    ) -> None:
        if shutil.which("terraform", path=self._environment.get("PATH")) is None:
            raise TrialError("Terraform is not on PATH: https://developer.hashicorp.com/terraform/install")
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["terraform", command, "-input=false", "-no-color", *options],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the trial, which passes it on once
                preexec_fn=_interrupt_with_parent(os.getpid()),
            )
        try:
            while process.poll() is None:
                if watch:
                    watch.wait(0.5)
                else:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.5)
                show(_count(self._said(start)))
        except BaseException:
            _interrupt(process)
            raise
        if process.returncode:
            raise TrialError(f"terraform {command} failed: {_errors(self._said(start))} ({self.log})")

    def _said(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _interrupt_with_parent(parent: int) -> Callable[[], None]:
    """Where the kernel can (Linux), it sends the one signal if the trial is killed."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def before_exec() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    return before_exec


def _count(said: str) -> str:
    done = len(re.findall(r": (?:Creation|Modifications|Destruction) complete after", said))
    planned = re.search(r"^Plan: (\d+) to add, \d+ to change, (\d+) to destroy", said, re.MULTILINE)
    return f"{done} of {max(map(int, planned.groups()))} resources" if planned else ""


def _errors(said: str) -> str:
    errors = re.findall(r"^Error: (.*)", said, re.MULTILINE)
    return "; ".join(dict.fromkeys(errors)) or said.strip()[-300:] or "it said nothing"
