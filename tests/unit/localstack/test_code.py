"""The zip of a function that carries all that it imports."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from localstack.code import folded_code
from localstack.errors import StackError

SITE_PACKAGES = "python/lib/python3.11/site-packages"


def write(path: Path, name: str) -> None:
    """A zip of one file."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, name)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write(tmp_path / "deployment.zip", "app.py")
    for layer in ("base", "linking"):
        write(tmp_path / f"layer-{layer}.zip", f"{SITE_PACKAGES}/{layer}_package/__init__.py")
    return tmp_path


def names(code: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(code)).namelist()


def test_layers_lie_beside_the_code(package: Path) -> None:
    code = folded_code(package, ["base", "linking"])

    assert names(code) == ["app.py", "base_package/__init__.py", "linking_package/__init__.py"]
    entry = zipfile.ZipFile(io.BytesIO(code)).getinfo("base_package/__init__.py")
    assert entry.external_attr >> 16 == 0o644  # Lambda's own user must be able to read it


def test_only_the_function_s_layers_are_in_it(package: Path) -> None:
    assert names(folded_code(package, ["base"])) == ["app.py", "base_package/__init__.py"]


def test_same_package_gives_the_same_zip(package: Path) -> None:
    assert folded_code(package, ["base", "linking"]) == folded_code(package, ["base", "linking"])


def test_missing_package_says_how_to_get_it(package: Path) -> None:
    (package / "layer-linking.zip").unlink()

    with pytest.raises(StackError, match="run `make package`"):
        folded_code(package, ["base", "linking"])


def test_a_file_in_two_of_them_is_refused(package: Path) -> None:
    write(package / "layer-linking.zip", f"{SITE_PACKAGES}/app.py")

    with pytest.raises(StackError, match=r"app\.py is in layer-linking\.zip and in another"):
        folded_code(package, ["linking"])
