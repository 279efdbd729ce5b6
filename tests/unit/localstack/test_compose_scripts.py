"""The scripts of the containers, run here; and all of them and the Dockerfile as the linters read them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.unit.localstack.compose_files import DOCKERFILE, FOLDER, SCRIPTS

BIN = Path(sys.executable).parent
PROJECT = "anonlink"
CONTAINERS = ("anonlink-deploy-1", "anonlink-emulator-1")
FUNCTION = "anonlink-emulator-1-lambda-anonlink-api-0a1b"
# Answers as Docker does: names by label, names by the start of a name, a table, what a container has said.
DOCKER = f"""#!/bin/sh
case "$*" in
    "ps --all --filter label=com.docker.compose.project={PROJECT} --format "*)
        [ -z "${{NO_CONTAINERS:-}}" ] && printf '%s\\n' {" ".join(CONTAINERS)}; exit 0 ;;
    "ps --all --filter name=^/?{PROJECT}-emulator-[0-9]+-lambda- --format "*)
        [ -z "${{NO_CONTAINERS:-}}" ] && echo {FUNCTION}; exit 0 ;;
    "ps --all --filter label=com.docker.compose.project={PROJECT}") echo a table ;;
    "logs --timestamps ${{SILENT:-nobody}}") echo cannot >&2; exit 1 ;;
    "logs --timestamps "*) echo "$3 said"; echo "$3 warned" >&2 ;;
    *) echo "unexpected: $*" >&2; exit 2 ;;
esac
"""


def run(script: str, *arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", FOLDER / "compose" / script, *arguments],
        env=os.environ | environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_is_well_written_shell(script: Path) -> None:
    assert script.read_text().startswith("#!/bin/sh\n")
    done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_is_well_written() -> None:
    done = subprocess.run([BIN / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_password_is_made_up_and_the_rest_stays() -> None:
    example = (FOLDER / ".env.example").read_text()

    made = run("environment.sh", text=example).stdout

    changed = [
        (before, after)
        for before, after in zip(example.splitlines(), made.splitlines(), strict=True)
        if before != after
    ]
    assert {before.partition("=")[0] for before, _ in changed} == {
        "POSTGRES_PASSWORD", "REDIS_PASSWORD", "MINIO_ROOT_PASSWORD",
    }  # fmt: skip
    passwords = [after.partition("=")[2] for _, after in changed]
    assert len(set(passwords)) == 3
    assert all(len(password) == 33 and password.startswith("p") for password in passwords)


@pytest.fixture
def docker(tmp_path: Path) -> str:
    """A PATH on which ``docker`` is ours."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_logs_of_every_container_and_of_functions_are_in_the_archive(docker: str, tmp_path: Path) -> None:
    emulator = tmp_path / "emulator"
    (emulator / "logs").mkdir(parents=True)
    (emulator / "logs" / "api.log").write_text("REPORT\n")

    done = run("collect-logs.sh", PROJECT, str(tmp_path / "logs"), str(emulator), PATH=docker)

    assert done.returncode == 0, done.stderr
    files = contents(Path(done.stdout.strip()))
    for name in (*CONTAINERS, FUNCTION):
        assert files[f"./{name}.log"] == f"{name} said\n{name} warned\n"
    assert files["./functions/api.log"] == "REPORT\n"
    assert files["./containers.txt"] == "a table\n"


def test_a_container_without_logs_does_not_cost_the_others_theirs(docker: str, tmp_path: Path) -> None:
    done = run(
        "collect-logs.sh", PROJECT, str(tmp_path), str(tmp_path / "none"), PATH=docker, SILENT=CONTAINERS[0]
    )

    assert done.returncode == 0, done.stderr
    assert f"no logs of {CONTAINERS[0]}" in done.stderr
    assert f"./{CONTAINERS[1]}.log" in contents(Path(done.stdout.strip()))


def test_without_containers_there_is_no_archive(docker: str, tmp_path: Path) -> None:
    done = run("collect-logs.sh", PROJECT, str(tmp_path / "logs"), PATH=docker, NO_CONTAINERS="yes")

    assert done.returncode == 1
    assert f"no container of {PROJECT}" in done.stderr
    assert not (tmp_path / "logs").exists()


def contents(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as opened:
        return {
            member.name: file.read().decode()
            for member in opened.getmembers()
            if (file := opened.extractfile(member))
        }
