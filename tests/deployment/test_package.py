"""`make package`: the same bytes each time, and everything loads on Lambda from what is in the zips alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
import zipfile
from importlib.metadata import packages_distributions
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import chalice_project
from deploy import package as packaging
from deploy.archives import Archive, compile_modules, pack
from deploy.distributions import SITE_PACKAGES
from deploy.errors import PackageError
from tests.deployment.on_lambda import (
    DIRECT_UPLOAD_BYTES_MAX,
    IMPORT_EACH,
    SYSTEM_LIBRARIES,
    importable,
    libraries,
    needed_libraries,
    needed_versions,
    run_alone,
    too_new,
    without_byte_code,
)
from tests.unit.test_config import REQUIRED

ROOT = Path(__file__).parents[2]
FUNCTIONS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "functions.yaml").read_text())["functions"]
LAYERS = ("base", "linking")
LAYERS_OF_FUNCTIONS = sorted({tuple(function["layers"]) for function in FUNCTIONS.values()})


@pytest.mark.slow
def test_built_from_a_copy_the_bytes_are_the_same(built, tmp_path):
    copy = tmp_path / "somewhere else"
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "build", ".*cache")
    for folder in ("chalicelib", ".chalice", "layers"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored, copy_function=shutil.copyfile)
    for file in ("app.py", "functions.yaml", "requirements.txt"):
        shutil.copyfile(ROOT / file, copy / file)

    assert packaging.package(tmp_path / "build", copy) == built.manifest


def test_the_manifest_says_what_there_is(built):
    for entry in (built.manifest["code"], *built.manifest["layers"].values()):
        path = built.folder / entry["file"]
        with zipfile.ZipFile(path) as archive:
            unpacked_bytes = sum(file.file_size for file in archive.infolist())

        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert entry["zipped_bytes"] == path.stat().st_size
        assert entry["unpacked_bytes"] == unpacked_bytes
    assert json.loads((built.folder / "package.json").read_text()) == built.manifest
    assert set(built.manifest["functions"]) == set(FUNCTIONS)


def test_nothing_else_is_left_in_the_folder(built):
    zips = {"deployment.zip", *(f"layer-{layer}.zip" for layer in LAYERS)}

    assert {path.name for path in built.folder.iterdir()} == zips | {"package.json"}


def test_zips_can_be_uploaded_without_s3(built):
    entries = (built.manifest["code"], *built.manifest["layers"].values())

    assert [entry["file"] for entry in entries if entry["zipped_bytes"] > DIRECT_UPLOAD_BYTES_MAX] == []


def test_the_code_is_the_service_s_and_chalice_s(built):
    files = {path.relative_to(built.code).as_posix() for path in built.code.rglob("*") if path.is_file()}
    sources = {file for file in files if "__pycache__" not in file}

    assert {file.split("/")[0] for file in sources} == {"app.py", "chalice", "chalicelib"}
    own = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "chalicelib").rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }
    assert {file for file in sources if file.startswith("chalicelib/")} == own
    assert {"chalicelib/api/openapi.yaml", "chalicelib/storage/migrations/0001-first-schema.sql"} <= own


def test_every_module_has_its_byte_code(built):
    for tree in (built.code, *built.layers.values()):
        assert list(tree.rglob("*.pyc"))
        assert without_byte_code(tree) == []


def test_every_shared_library_loads_on_lambda_s_system(built):
    found = libraries(built.code, *built.layers.values())

    assert any("GLIBC" in needed_versions(library) for library in found)
    assert too_new(found) == {}


def test_every_shared_library_finds_those_that_it_needs(built):
    found = libraries(built.code, *built.layers.values())
    own = {library.name for library in found}

    for library in found:
        assert needed_libraries(library) <= own | SYSTEM_LIBRARIES, library.name


@pytest.mark.parametrize("layer", LAYERS)
def test_every_dependency_imports_from_its_layer_alone(built, layer):
    names = importable(built.layers[layer] / SITE_PACKAGES)

    failures = run_alone(built.paths(layer), f"NAMES = {names!r}{IMPORT_EACH}")

    assert len(names) > 5
    assert failures == {}


def test_the_kernel_is_in_its_layer(built):
    script = "import dice_kernel; print(json.dumps([dice_kernel.__file__, dice_kernel.isa()]))"

    file, isa = run_alone(built.paths("linking"), script)

    assert Path(file).is_relative_to(built.layers["linking"])
    assert isa


@pytest.mark.parametrize("layers", LAYERS_OF_FUNCTIONS, ids="+".join)
def test_every_handler_imports_from_the_code_and_its_layers_alone(built, layers):
    handlers = [function["handler"] for function in FUNCTIONS.values() if tuple(function["layers"]) == layers]
    modules = sorted({handler.rpartition(".")[0] for handler in handlers})
    environment = REQUIRED | {"AWS_DEFAULT_REGION": "eu-west-1"}

    failures = run_alone(
        [str(built.code), *built.paths(*layers)], f"NAMES = {modules!r}{IMPORT_EACH}", **environment
    )

    assert failures == {}


def test_the_compiler_that_anonlink_names_is_left_out(built):
    names = {path.name.lower() for path in (built.layers["linking"] / SITE_PACKAGES).iterdir()}

    assert not {"cython", "cython.py", "pyximport"} & names


def requirements(layer: str) -> list[str]:
    lines = (ROOT / "layers" / f"{layer}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_layers_that_its_imports_name(name):
    finder = ModuleFinder(path=[str(ROOT)])  # also imports within functions; whatever is not ours is "bad"
    finder.import_hook(FUNCTIONS[name]["handler"].rpartition(".")[0])
    layer_by_requirement = {name: layer for layer in LAYERS for name in requirements(layer)}
    layer_by_requirement["dice-kernel"] = packaging.KERNEL_LAYER

    imported = {module.split(".")[0] for module in finder.badmodules}
    installed = packages_distributions()
    distributions = {distribution for module in imported for distribution in installed.get(module, ())}

    named = {
        layer_by_requirement.get(distribution.lower().replace("_", "-")) for distribution in distributions
    }
    assert FUNCTIONS[name]["layers"] == [layer for layer in LAYERS if layer in named]


def test_chalice_s_own_package_has_every_function(tmp_path, monkeypatch):
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(variable)

    chalice_project.build_code(ROOT, tmp_path / "service")

    template = json.loads((tmp_path / "service" / "packaged" / "chalice.tf.json").read_text())
    functions = set(template["resource"]["aws_lambda_function"])
    assert functions == set(FUNCTIONS) - {"api"} | {"api_handler"}  # Chalice's name for what app.py serves


def test_chalice_local_serves_the_api(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | REQUIRED | {"AWS_DEFAULT_REGION": "eu-west-1"}
    command = [*chalice_project.COMMAND, "local", "--no-autoreload", "--port", str(port)]

    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        page = fetch(f"http://127.0.0.1:{port}/", server)
    finally:
        server.terminate()
        server.wait(10)

    assert b"<!doctype html>" in page, (tmp_path / "log").read_text()


def fetch(url: str, server: subprocess.Popen[bytes]) -> bytes:
    """What is at ``url``, as soon as the server is there; nothing if it ends or takes a minute."""
    deadline = time.monotonic() + 60
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with opener.open(url, timeout=10) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.1)  # between looks at the condition
    return b""


LOCKED = {"numpy": "2.2.6", "redis": "8.1.0"}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"base": {"redis": "8.1.0"}, "linking": {}}, "in no layer: numpy"),
        ({"base": LOCKED, "linking": {"numpy": "2.2.6"}}, "numpy is in the layers base and linking"),
        ({"base": {"redis": "8.0.0"}, "linking": {"numpy": "2.2.6"}}, "redis 8.0.0, which"),
        ({"base": LOCKED, "linking": {"pandas": "2.0.0"}}, "pandas 2.0.0, which"),
    ],
    ids=["missing", "twice", "another version", "not locked"],
)
def test_layers_that_are_not_what_is_locked_are_refused(found, reason):
    with pytest.raises(PackageError, match=reason):
        packaging.check_versions(LOCKED, found)


def test_layers_that_are_what_is_locked_are_taken():
    packaging.check_versions(LOCKED, {"base": {"redis": "8.1.0"}, "linking": {"numpy": "2.2.6"}})


def test_a_function_that_lambda_would_refuse_is_named():
    code, half = Archive(Path("deployment.zip"), 1, 1, ""), Archive(Path("layer.zip"), 1, 131_072_000, "")
    many = {str(number): Archive(Path("layer.zip"), 1, 1, "") for number in range(6)}

    packaging.describe(code, {"a": half}, {"compare": ["a"]})
    with pytest.raises(PackageError, match="compare unpacks to 262,144,001 bytes"):
        packaging.describe(code, {"a": half, "b": half}, {"compare": ["a", "b"]})
    with pytest.raises(PackageError, match="compare has 6 layers"):
        packaging.describe(code, many, {"compare": list(many)})


def test_another_python_than_lambda_s_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packaging, "RUNTIME", "python3.10")

    with pytest.raises(PackageError, match=r"run this with python3\.10"):
        packaging.package(tmp_path)


def test_a_build_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    def fail(*arguments: object) -> Path:
        raise PackageError("no wheel")

    monkeypatch.setattr(packaging, "_build_layer", fail)
    (tmp_path / "deployment.zip").write_text("of an earlier build")

    with pytest.raises(PackageError, match="no wheel"):
        packaging.package(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["deployment.zip"]
    assert (tmp_path / "deployment.zip").read_text() == "of an earlier build"


def test_a_module_that_does_not_compile_is_named(tmp_path):
    (tmp_path / "broken.py").write_text("def")

    with pytest.raises(PackageError, match=r"broken\.py"):
        compile_modules(tmp_path)


def test_a_zip_depends_on_names_and_contents_only(tmp_path):
    for name, files in (("one", ("a/x.py", "b.py")), ("other", ("b.py", "a/x.py"))):
        for number, file in enumerate(files):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file)
            path.chmod(0o600 + number)
            os.utime(path, (number, number))

    one, other = (pack(tmp_path / name, tmp_path / f"{name}.zip") for name in ("one", "other"))

    assert one.sha256 == other.sha256
    (tmp_path / "one" / "b.py").write_text("changed")
    assert pack(tmp_path / "one", tmp_path / "one.zip").sha256 != other.sha256
