"""`python -m deploy.package --tests`: the contract suite loads on Lambda from what is in the zips alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy import suite
from deploy.distributions import SITE_PACKAGES, versions
from deploy.errors import PackageError
from deploy.package import UNPACKED_BYTES_MAX
from tests import inside
from tests.deployment.on_lambda import (
    DIRECT_UPLOAD_BYTES_MAX,
    IMPORT_EACH,
    SYSTEM_LIBRARIES,
    Built,
    importable,
    libraries,
    needed_libraries,
    run_alone,
    too_new,
    unzip,
    without_byte_code,
)

ROOT = Path(__file__).parents[2]


class BuiltSuite(NamedTuple):
    entries: list[dict[str, Any]]
    code: Path
    layer: Path
    service: Built

    @property
    def paths(self) -> list[str]:
        """As Lambda puts them on sys.path: the code, then the layers."""
        return [str(self.code), *self.service.paths("base", "linking"), str(self.layer / SITE_PACKAGES)]


@pytest.fixture(scope="module")
def built_suite(built, tmp_path_factory) -> BuiltSuite:
    folder, trees = tmp_path_factory.mktemp("suite"), tmp_path_factory.mktemp("unpacked")
    entries = suite.package(folder, built.manifest)
    files = {path.name for path in folder.iterdir()}
    assert files == {"tests.zip", "layer-tests.zip"} == {entry["file"] for entry in entries}
    code, layer = (
        unzip(folder / "tests.zip", trees / "code"),
        unzip(folder / "layer-tests.zip", trees / "layer"),
    )
    return BuiltSuite(entries, code, layer, built)


def test_lambda_takes_it_with_all_layers_and_without_s3(built_suite):
    sizes = [entry["unpacked_bytes"] for entry in built_suite.entries]
    sizes += [layer["unpacked_bytes"] for layer in built_suite.service.manifest["layers"].values()]

    assert sum(sizes) <= UNPACKED_BYTES_MAX
    assert all(entry["zipped_bytes"] <= DIRECT_UPLOAD_BYTES_MAX for entry in built_suite.entries)


def test_no_package_is_in_two_layers(built_suite):
    service = [versions(tree).keys() for tree in built_suite.service.layers.values()]

    assert not versions(built_suite.layer).keys() & set().union(*service)


def test_every_shared_library_loads_on_lambda_s_system(built_suite):
    found = libraries(built_suite.layer)
    own = {library.name for library in found}

    assert found
    assert too_new(found) == {}
    for library in found:
        assert needed_libraries(library) <= own | SYSTEM_LIBRARIES, library.name


def test_every_dependency_imports_from_the_layers_alone(built_suite):
    found = importable(built_suite.layer / SITE_PACKAGES)
    names = [name for name in found if not name.startswith("Crypto.")]  # libraries, despite their names

    assert len(names) > 20
    assert run_alone(built_suite.paths, f"NAMES = {names!r}{IMPORT_EACH}") == {}


def test_every_module_has_its_byte_code(built_suite):
    assert without_byte_code(built_suite.code) + without_byte_code(built_suite.layer) == []


COLLECT = """
import contextlib, io, pytest
from tests import inside
class Collected:
    def pytest_collection_finish(self, session):
        self.modules = sorted({item.path.name for item in session.items})
collected = Collected()
arguments = [str(inside.suite.CONTRACT / name) for name in inside.modules()]
with contextlib.redirect_stdout(io.StringIO()) as said:
    end = pytest.main([*arguments, "--collect-only", "-p", "no:cacheprovider"], plugins=[collected])
if end:
    sys.exit(said.getvalue())
print(json.dumps(collected.modules))
"""


def test_pytest_finds_all_modules_and_writes_nothing_beside_them(built_suite, tmp_path):
    before = sorted(built_suite.code.rglob("*"))

    modules = run_alone(built_suite.paths, COLLECT, HYPOTHESIS_STORAGE_DIRECTORY=str(tmp_path))

    assert modules == inside.modules()
    assert sorted(built_suite.code.rglob("*")) == before


@pytest.mark.slow
def test_built_from_a_copy_the_bytes_are_the_same(built_suite, tmp_path):
    copy = tmp_path / "somewhere else"
    ignored = shutil.ignore_patterns("__pycache__", ".*cache")
    for folder in ("chalicelib", ".chalice", "layers", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored, copy_function=shutil.copyfile)
    for file in ("pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        shutil.copyfile(ROOT / file, copy / file)

    again = suite.package(tmp_path, built_suite.service.manifest, copy)

    assert again == built_suite.entries


def test_a_layer_that_is_not_what_is_locked_is_refused():
    locked = {"pytest": "9.2.0", "minio": "7.2.20"}

    suite.check_versions({"pytest"}, locked, locked)
    with pytest.raises(PackageError, match=r"pytest 8\.0, which requirements-dev\.txt has not"):
        suite.check_versions({"pytest"}, locked, {"pytest": "8.0"})
    with pytest.raises(PackageError, match="no wheel that loads on Lambda of minio"):
        suite.check_versions({"pytest", "minio"}, locked, {"pytest": "9.2.0"})
