"""The whole service in the foreground: the parts, the deployment, and ``stack.json`` that says where.

``serve`` runs until it is told to stop or cannot go on. What dies in between is restarted in its place;
a restarted emulator is deployed to again, and the reconciler looks after the work it lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localstack import emulator, postgres, redis
from localstack.deploy import Deployer
from localstack.errors import PartFailed, StackError, Stopped
from localstack.lock import held
from localstack.logs import log_file, tail
from localstack.probe import answers
from localstack.settings import (
    ACCESS_KEY,
    HOST,
    REGION,
    SECRET_KEY,
    Settings,
    write_private,
)
from localstack.supervisor import Supervisor
from localstack.target import Target, emulated

_LOOK_SECONDS = 0.1
_MIN_FREE_BYTES = 500_000_000
_API_SECONDS = 30
_MAX_DEPLOYMENTS = 5


def serve(data_dir: Path, port: int, source: Path, parent: int | None = None) -> None:
    """Run the stack until SIGTERM or SIGINT, or until the process ``parent`` is gone.

    Raises StackError for what its user can set right.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with held(data_dir):
        _check_space(data_dir)
        settings = Settings.load(data_dir, port)
        settings.stack_file.unlink(missing_ok=True)  # a killed supervisor left it
        try:
            _Service(settings, source, parent, stop).run()
        except Stopped:
            pass
        finally:
            settings.stack_file.unlink(missing_ok=True)


class _Service:
    def __init__(self, settings: Settings, source: Path, parent: int | None, stop: threading.Event) -> None:
        self._settings = settings
        self._source = source
        self._parent = parent
        self._stop = stop
        self._log = log_file(settings.logs_dir, "supervisor", "%(asctime)s %(message)s")
        self._deployed: dict[str, Any] = {}
        self._failed_deployments = 0

    def run(self) -> None:
        started = time.monotonic()
        self._say(f"starting in {self._settings.data_dir}")
        parts = [postgres.part(self._settings), redis.part(self._settings), emulator.part(self._settings)]
        self._supervisor = Supervisor(parts, self._settings.logs_dir, self._stop)
        try:
            self._supervisor.start()
            self._deploy()
            self._await_api()
            self._write_stack_file()
            seconds = time.monotonic() - started
            self._say(f"ready in {seconds:.1f} s: {self._settings.api_url}/api/v1 (Ctrl-C stops it)")
            self._watch()
        except (StackError, ClientError, BotoCoreError) as error:
            self._log.info("ending: %s", error, exc_info=not isinstance(error, Stopped))
            raise
        finally:
            self._supervisor.stop()
            self._say("stopped; the data stays")

    def _say(self, text: str) -> None:
        self._log.info("%s", text)
        # Who reads our output may be gone; that is no reason to leave work undone.
        with contextlib.suppress(OSError):
            print(text, flush=True)

    def _watch(self) -> None:
        is_outdated = False
        while not self._stop.wait(_LOOK_SECONDS) and self._parent in (None, os.getppid()):
            revived = self._supervisor.revive()
            for name in revived:
                self._say(f"{name} had died and runs again")
            is_outdated = is_outdated or "emulator" in revived
            if is_outdated:
                is_outdated = not self._redeploy()
            if revived:
                self._write_stack_file()

    def _redeploy(self) -> bool:
        try:
            self._deploy()
        except (StackError, ClientError, BotoCoreError) as error:
            # Another part may have died meanwhile; the next round restarts it.
            self._failed_deployments += 1
            self._say(f"deploying again failed: {error}")
            if self._failed_deployments >= _MAX_DEPLOYMENTS:
                raise
            return False
        self._failed_deployments = 0
        return True

    def _deploy(self) -> None:
        self._deployed = Deployer(target(self._settings, self._source)).deploy()

    def _await_api(self) -> None:
        """Wait for the first answer, which also starts the API's first worker."""
        url = f"{self._settings.api_url}/api/v1/status"
        if not self._until(lambda: answers(url), _API_SECONDS):
            path = self._settings.logs_dir / "api.log"
            raise PartFailed(f"the API does not answer at {url}: {tail(path)} ({path})")

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            if self._stop.wait(_LOOK_SECONDS):
                raise Stopped("stopped while starting")
        return True

    def _write_stack_file(self) -> None:
        settings = self._settings
        values = {
            "api_url": settings.api_url,
            "s3_endpoint": f"{HOST}:{settings.emulator_port}",
            "aws_endpoint_url": settings.endpoint_url,
            "step_functions_endpoint": settings.endpoint_url,
            "region": REGION,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
            "postgres_url": settings.postgres_url,
            "redis_url": settings.redis_url,
            "data_dir": str(settings.data_dir),
            "logs_dir": str(settings.logs_dir),
            "pid": os.getpid(),
            "pids": self._supervisor.pids,
        }
        write_private(settings.stack_file, values | self._deployed)


def target(settings: Settings, source: Path) -> Target:
    """The embedded stack as the deployer sees it."""
    values = {
        "DatabaseHost": HOST,
        "DatabasePort": str(settings.postgres_port),
        "DatabasePassword": settings.database_password,
        "RedisHost": HOST,
        "RedisPort": str(settings.redis_port),
        "RedisPassword": settings.redis_password,
        "LogLevel": os.environ.get("LOG_LEVEL", "INFO"),
    }
    return emulated(settings.endpoint_url, values, source)


def _check_space(data_dir: Path) -> None:
    free_bytes = shutil.disk_usage(data_dir).free
    if free_bytes < _MIN_FREE_BYTES:
        raise StackError(
            f"only {free_bytes // 1_000_000} MB are free in {data_dir}, and the stack needs "
            f"{_MIN_FREE_BYTES // 1_000_000}: make room, or choose another directory with DATA_DIR=…"
        )
