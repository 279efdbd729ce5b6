"""`make package`: the same bytes each time, and everything loads on Lambda from what is in the zips alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import pytest
import yaml
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from deploy import chalice_project
from deploy import package as packaging
from deploy.archives import Archive, compile_modules, pack
from deploy.errors import PackageError
from tests.unit.test_config import REQUIRED

ROOT = Path(__file__).parents[2]
FUNCTIONS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "functions.yaml").read_text())["functions"]
LAYERS = ("base", "linking")
LAYERS_OF_FUNCTIONS = sorted({tuple(function["layers"]) for function in FUNCTIONS.values()})

# What Lambda's python3.11 has, Amazon Linux 2 with gcc 7's libraries.
NEWEST_VERSIONS = {"GLIBC": (2, 26), "GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}
SYSTEM_LIBRARIES = {
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0",
    "libresolv.so.2", "libstdc++.so.6", "libz.so.1",
}  # fmt: skip
DIRECT_UPLOAD_BYTES_MAX = 50 * 1024 * 1024


@dataclass(frozen=True)
class Built:
    """The folder that was built, what its manifest says, and where its zips are unpacked to."""

    folder: Path
    manifest: dict[str, Any]
    code: Path
    layers: dict[str, Path]

    def paths(self, *layers: str) -> list[str]:
        return [str(self.layers[layer] / packaging.SITE_PACKAGES) for layer in layers]


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Built:
    pytest.importorskip("ziglang", reason="the kernel is built for Lambda by the package ziglang")
    folder = tmp_path_factory.mktemp("build")
    manifest = packaging.package(folder)
    trees = tmp_path_factory.mktemp("unpacked")
    files = {"code": manifest["code"]["file"]} | {
        name: layer["file"] for name, layer in manifest["layers"].items()
    }
    for name, file in files.items():
        with zipfile.ZipFile(folder / file) as archive:
            archive.extractall(trees / name)
    return Built(folder, manifest, trees / "code", {name: trees / name for name in manifest["layers"]})


def run_alone(paths: list[str], script: str, **environment: str) -> Any:
    """What ``script`` prints as JSON, run where only the standard library and ``paths`` can be imported."""
    preamble = f"import importlib, json, sys; sys.path[:0] = {paths!r}\n"
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "ignore", "-c", preamble + script],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


IMPORT_EACH = """
failures = {}
for name in NAMES:
    try:
        importlib.import_module(name)
    except Exception as error:
        failures[name] = repr(error)
print(json.dumps(failures))
"""


def libraries(built: Built) -> list[Path]:
    trees = (built.code, *built.layers.values())
    return [path for tree in trees for path in sorted(tree.rglob("*")) if ".so" in path.suffixes]


def needed_versions(library: Path) -> dict[str, tuple[int, ...]]:
    """Kind, of those that Lambda's system has, → the newest version of it that the library needs."""
    newest: dict[str, tuple[int, ...]] = {}
    with library.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, versions in section.iter_versions():
                    for kind, _, number in (version.name.partition("_") for version in versions):
                        if kind in NEWEST_VERSIONS:
                            newest[kind] = max(newest.get(kind, ()), tuple(map(int, number.split("."))))
    return newest


def needed_libraries(library: Path) -> set[str]:
    with library.open("rb") as file:
        sections = [part for part in ELFFile(file).iter_sections() if isinstance(part, DynamicSection)]
        return {tag.needed for part in sections for tag in part.iter_tags("DT_NEEDED")}


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
        modules = {path for path in tree.rglob("*.py") if path.stem.isidentifier()}

        assert modules
        assert {path for path in modules if not compiled(path).exists()} == set()


def compiled(module: Path) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"


def test_every_shared_library_loads_on_lambda_s_system(built):
    found = {library: needed_versions(library) for library in libraries(built)}

    assert any("GLIBC" in versions for versions in found.values())
    too_new = {
        f"{library.name} {kind}": version
        for library, versions in found.items()
        for kind, version in versions.items()
        if version > NEWEST_VERSIONS[kind]
    }
    assert too_new == {}


def test_every_shared_library_finds_those_that_it_needs(built):
    own = {library.name for library in libraries(built)}

    for library in libraries(built):
        assert needed_libraries(library) <= own | SYSTEM_LIBRARIES, library.name


@pytest.mark.parametrize("layer", LAYERS)
def test_every_dependency_imports_from_its_layer_alone(built, layer):
    site_packages = built.layers[layer] / packaging.SITE_PACKAGES
    names = {path.stem for path in site_packages.glob("*.py")}
    names |= {path.name for path in site_packages.iterdir() if (path / "__init__.py").exists()}
    # By name, since packages go on without theirs, slowly.
    names |= {
        ".".join(path.relative_to(site_packages).with_name(path.name.partition(".")[0]).parts)
        for path in site_packages.rglob("*.so")
        if ".cpython-311-" in path.name or ".abi3." in path.name
    }

    failures = run_alone(built.paths(layer), f"NAMES = {sorted(names)!r}{IMPORT_EACH}")

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
    names = {path.name.lower() for path in (built.layers["linking"] / packaging.SITE_PACKAGES).iterdir()}

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
