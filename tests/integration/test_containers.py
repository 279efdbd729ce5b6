"""What the containers of localstack/docker-compose.yml run, as plain processes: an emulator without stores,
the deployment to it, the contract suite against it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localstack import postgres, redis
from localstack.probe import answers
from localstack.settings import ACCESS_KEY, HOST, SECRET_KEY, Settings
from localstack.supervisor import Part, Supervisor

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "localstack" / "compose" / "run-tests.sh"
NAME = "localhost"  # not the address that it listens at, as in containers
NOBODY = f"http://{HOST}:9"
LOCALSTACK = [sys.executable, "-m", "localstack"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Of three parts that run and know nothing of one another; nothing is deployed."""
    settings = Settings.load(tmp_path_factory.mktemp("containers"), 0)
    settings.logs_dir.mkdir()
    names = ["--host", NAME, "--bind", HOST]
    ports = ["--port", str(settings.emulator_port), "--api-port", str(settings.api_port)]
    emulator = Part(
        name="emulator",
        command=[*LOCALSTACK, "emulator", *names, *ports, "--data-dir", str(settings.data_dir)],
        is_ready=lambda: answers(f"{settings.endpoint_url}/_ministack/health", 2),
    )
    parts = [postgres.part(settings), redis.part(settings), emulator]
    supervisor = Supervisor(parts, settings.logs_dir, threading.Event())
    try:
        supervisor.start()
        yield settings
    finally:
        supervisor.stop()


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def deploy(settings: Settings, **environment: str) -> subprocess.CompletedProcess[str]:
    stores = {
        "DATABASE_HOST": HOST,
        "DATABASE_PORT": str(settings.postgres_port),
        "DATABASE_PASSWORD": settings.database_password,
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(settings.redis_port),
        "REDIS_PASSWORD": settings.redis_password,
    }
    endpoint = f"http://{NAME}:{settings.emulator_port}"
    return run([*LOCALSTACK, "deploy", "--endpoint-url", endpoint], **stores | environment)


@pytest.fixture(scope="module")
def deployed(settings: Settings) -> str:
    """The URL that the deployment printed."""
    done = deploy(settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().removeprefix("deployed: ")


def run_tests(server: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(["sh", str(TESTS), *arguments], SERVER=server, **environment)


def test_the_api_is_where_the_deployment_says(settings: Settings, deployed: str) -> None:
    assert deployed == f"http://{NAME}:{settings.emulator_port}/restapis/anonlink/api/_user_request_"
    assert answers(f"{deployed}/api/v1/status")
    assert answers(f"{settings.api_url}/api/v1/status")


def test_deploying_again_changes_nothing(settings: Settings, deployed: str) -> None:
    again = deploy(settings)

    assert (again.returncode, again.stdout) == (0, f"deployed: {deployed}\n")


def test_the_suite_passes_with_a_store_of_a_party_s_own(settings: Settings, deployed: str) -> None:
    done = run_tests(
        f"http://{NAME}:{settings.api_port}",
        "tests/contract/test_foreign_store.py",
        "tests/contract/test_direct_uploads.py",  # what is signed for one name is sent to it
        "-rs",
        FOREIGN_STORE=f"{HOST}:{settings.emulator_port}",
        FOREIGN_STORE_ACCESS_KEY=ACCESS_KEY,
        FOREIGN_STORE_SECRET_KEY=SECRET_KEY,
    )

    assert done.returncode == 0, done.stdout
    assert "SKIPPED" not in done.stdout


def test_a_test_that_fails_is_told_by_the_exit_code(deployed: str, tmp_path: Path) -> None:
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_it():\n    assert 1 == 2\n")

    done = run_tests(deployed, str(failing))

    assert done.returncode == 1
    assert "1 == 2" in done.stdout


def test_without_a_service_no_test_is_run() -> None:
    done = run_tests(NOBODY, WAIT_SECONDS="0")

    assert (done.returncode, done.stdout) == (1, "")
    assert f"no answer from {NOBODY}" in done.stderr


@pytest.mark.parametrize("name", ["DATABASE_HOST", "REDIS_HOST"])
def test_a_deployment_that_was_not_told_a_store_says_so(settings: Settings, name: str) -> None:
    done = deploy(settings, **{name: ""})

    assert (done.returncode, done.stderr) == (1, f"error: not set: {name}\n")


def test_a_deployment_to_nobody_says_to_whom() -> None:
    stores = {"DATABASE_HOST": HOST, "DATABASE_PASSWORD": "x", "REDIS_HOST": HOST}

    done = run([*LOCALSTACK, "deploy", "--endpoint-url", NOBODY], **stores)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: deploying to {NOBODY} failed: ")


def test_a_database_that_refuses_fails_the_deployment(settings: Settings, deployed: str) -> None:
    try:
        done = deploy(settings, DATABASE_PASSWORD="wrong")
    finally:
        restored = deploy(settings)

    assert done.returncode == 1
    assert "error: the function migrate failed" in done.stderr
    assert restored.returncode == 0, restored.stderr
