"""The service in containers, as far as can be told without Docker: the files fit one another and the code."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from localstack.__main__ import _parser
from localstack.target import _STORES, stated
from tests.unit.localstack.compose_files import (
    COMPOSE,
    DOCKERFILE,
    EMULATORS,
    FILES,
    FOLDER,
    ROOT,
    SCRIPTS,
    Written,
    merged,
    written,
)

PINNED = re.compile(r"[\w./-]+:[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?])?")
MADE_AT_RUN_TIME = {"/var/run/docker.sock", "./logs"}
SERVICES = written()

every_service = pytest.mark.parametrize("service", SERVICES, ids=str)
every_emulator = pytest.mark.parametrize("emulator", EMULATORS)


@every_service
def test_an_image_is_pinned_by_version_and_content(service: Written) -> None:
    if "image" in service.fields:
        assert PINNED.fullmatch(service.fields["image"])


def test_images_are_built_on_pinned_ones_or_on_one_another() -> None:
    bases = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE.read_text(), re.MULTILINE)

    stages: set[str] = set()
    for base, stage in bases:
        assert base in stages or PINNED.fullmatch(base)
        stages.add(stage)
    assert len(bases) == DOCKERFILE.read_text().count("FROM ")


@every_emulator
def test_every_service_has_an_image_of_one_kind(emulator: str) -> None:
    for name, fields in merged(emulator).items():
        assert ("image" in fields) != ("build" in fields), name


@every_service
def test_what_is_built_is_a_stage_of_the_dockerfile(service: Written) -> None:
    if build := service.fields.get("build"):
        context = (service.file.parent / build["context"]).resolve()
        assert context == ROOT
        assert context / build["dockerfile"] == DOCKERFILE
        assert f" AS {build['target']}\n" in DOCKERFILE.read_text()


@every_service
def test_ports_are_open_to_this_machine_only(service: Written) -> None:
    ports = service.fields.get("ports", [])

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@every_emulator
def test_nothing_starts_before_what_it_needs_is_ready(emulator: str) -> None:
    services = merged(emulator)

    for fields in services.values():
        for needed, how in fields.get("depends_on", {}).items():
            stays = "healthcheck" in services[needed]
            assert how == {"condition": "service_healthy" if stays else "service_completed_successfully"}
    assert {name for name, fields in services.items() if "healthcheck" not in fields} == {
        "deploy", "tests", "tools",  # these end
    }  # fmt: skip


@every_service
def test_what_is_mounted_is_there(service: Written) -> None:
    sources = {volume.split(":")[0] for volume in service.fields.get("volumes", [])}
    paths = {source for source in sources if source.startswith((".", "/"))} - MADE_AT_RUN_TIME

    assert [path for path in paths if not (service.file.parent / path).exists()] == []
    assert sources - paths - MADE_AT_RUN_TIME <= yaml.safe_load(COMPOSE.read_text())["volumes"].keys()


@every_emulator
def test_every_volume_is_used(emulator: str) -> None:
    used = {volume.split(":")[0] for f in merged(emulator).values() for volume in f.get("volumes", [])}

    assert yaml.safe_load(COMPOSE.read_text())["volumes"].keys() <= used


@every_emulator
def test_commands_are_what_the_command_line_takes(emulator: str) -> None:
    commands = [words for f in merged(emulator).values() if "python" in (words := f.get("command", []))]

    assert commands
    for words in commands:
        assert words[:3] == ["python", "-m", "localstack"]
        _parser().parse_args(words[3:])


@every_emulator
def test_scripts_that_are_run_are_there(emulator: str) -> None:
    services = merged(emulator)

    assert services["tests"]["entrypoint"][1] in {str(script.relative_to(ROOT)) for script in SCRIPTS}
    assert services["tools"]["command"][1].lstrip("/") in {script.name for script in SCRIPTS}


@every_emulator
def test_what_deploy_is_told_are_settings_of_functions(emulator: str) -> None:
    environment = merged(emulator)["deploy"]["environment"]

    told = stated(dict.fromkeys(environment, "told"))

    assert len(told) == len(environment)
    assert set(_STORES) <= told.keys()


@every_emulator
def test_what_the_tests_are_told_is_read_by_them(emulator: str) -> None:
    environment = merged(emulator)["tests"]["environment"].keys() - {"PYTEST_ADDOPTS"}
    texts = [path.read_text() for path in (ROOT / "tests").glob("*/*.py")]
    read = "".join([*texts, (ROOT / "tests/conftest.py").read_text()])
    kinds = {"FOREIGN_STORE_ACCESS_KEY": "ACCESS", "FOREIGN_STORE_SECRET_KEY": "SECRET"}

    assert {name for name in environment if f'"{kinds.get(name, name)}"' not in read} == set()


@every_emulator
def test_the_emulator_is_called_by_one_name(emulator: str) -> None:
    services = merged(emulator)

    # Signatures cover the name; so what signs, what serves and what fetches must say it alike.
    assert "http://emulator:4566" in services["deploy"]["command"]
    assert services["tests"]["environment"]["SERVER"].startswith("http://emulator:")
    own = services["emulator"]
    assert own["environment"].get("LOCALSTACK_HOST") == "emulator:4566" or "emulator" in own["command"][4:]


def test_tests_that_are_left_out_exist() -> None:
    options = merged("localstack")["tests"]["environment"]["PYTEST_ADDOPTS"]
    left_out = [word for word in shlex.split(options) if word != "--deselect"]

    assert left_out
    for node in left_out:
        file, test = node.split("::")
        assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text()


def test_every_variable_is_in_the_example_or_has_a_default() -> None:
    example = (FOLDER / ".env.example").read_text()
    found = [match for file in FILES for match in VARIABLE.findall(file.read_text())]

    assert found
    assert {name for name, _ in found if not re.search(rf"^(# )?{name}=", example, re.MULTILINE)} == set()
    set_there = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert {name for name, how in found if how != ":-"} <= set_there


@every_emulator
def test_compose_takes_the_files(emulator: str) -> None:
    command = compose_command()
    if not command:
        pytest.skip("neither docker compose nor docker-compose is here")
    done = subprocess.run(
        [*command, "--file", COMPOSE, "--env-file", FOLDER / ".env.example", "config"],
        env=os.environ | {"EMULATOR": emulator},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    expected = merged(emulator)
    assert services.keys() == expected.keys() - {"tools"}  # behind a profile
    for name, fields in services.items():
        assert fields.get("environment", {}).keys() == expected[name]["environment"].keys()


def compose_command() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            version = subprocess.run([*command, "version"], capture_output=True, timeout=60, check=False)
            if version.returncode == 0:
                return command
    return []


@pytest.fixture(scope="module")
def image_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``COPY . .`` puts into an image."""
    folder = tmp_path_factory.mktemp("image")
    lines = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in lines
    caches = shutil.ignore_patterns("__pycache__", "*.so", ".env", "logs")
    for line in lines:
        for path in ROOT.glob(line[1:]) if line.startswith("!") else ():
            to = folder / path.relative_to(ROOT)
            to.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, to, ignore=caches)
            else:
                shutil.copy(path, to)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["localstack", "deploy", "--help"],
        ["timeit", "-n1", "-r1", "import localstack.launcher, localstack.deploy"],
        ["deploy.package", "--help"],
        ["pytest", "tests/contract", "--collect-only", "-p", "no:cacheprovider"],
    ],
    ids=["deploy", "emulator", "package", "tests"],
)
def test_images_carry_the_files_that_they_need(image_files: Path, words: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-B", "-m", *words],
        cwd=image_files,
        env=environment | {"SERVER": "http://emulator:8851"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_dockerfile_copies_what_the_images_files_have(image_files: Path) -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    paths = {path for line in copied for path in line.split()}

    assert len(paths) > 3
    assert [path for path in paths if not (image_files / path).exists()] == []
