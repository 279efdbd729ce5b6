"""Building: the check of versions, and which compiler is taken."""

from __future__ import annotations

import platform
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import build_backend
import build_kernel
import dice_kernel
from build_kernel import BuildFailed, compile_library, newest_glibc

INSTALLED = Path(dice_kernel.__file__).with_name("_kernel.so")

ON_LINUX = pytest.mark.skipif(platform.system() != "Linux", reason="about ELF and glibc")
WITH_ZIG = pytest.mark.skipif(build_kernel.zig_compiler() is None, reason="needs the package ziglang")


@ON_LINUX
@pytest.mark.skipif(shutil.which("readelf") is None, reason="compares with readelf")
def test_the_newest_glibc_is_what_readelf_lists():
    for library in (INSTALLED, Path(sys.executable).resolve()):
        listed = subprocess.run(
            ["readelf", "--version-info", str(library)], capture_output=True, text=True, check=True
        )
        needed = listed.stdout.split("Version needs section", 1)[1]
        versions = re.findall(r"Name: GLIBC_([\d.]+)", needed)
        assert newest_glibc(library) == max(tuple(map(int, version.split("."))) for version in versions)


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x01\x01" + bytes(60), b"MZ" + struct.pack("<60x")])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(BuildFailed, match="no 64-bit little-endian ELF file"):
        newest_glibc(tmp_path / "file")


@ON_LINUX
@pytest.mark.skipif(build_kernel.system_compiler() is None, reason="needs a C compiler")
def test_a_library_that_needs_too_new_a_glibc_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(build_kernel, "_compiler", lambda target: build_kernel.system_compiler())
    monkeypatch.setattr(build_kernel, "newest_glibc", lambda library: (2, 34))

    with pytest.raises(BuildFailed, match=r"needs glibc 2\.34, not 2\.17 at most"):
        compile_library(tmp_path / "_kernel.so", f"{platform.machine()}-linux-gnu.2.17")

    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "false")

    with pytest.raises(BuildFailed, match="ended with 1"):
        compile_library(tmp_path / "_kernel.so")

    assert list(tmp_path.iterdir()) == []


def test_zig_is_a_requirement_only_where_there_is_no_compiler(monkeypatch):
    monkeypatch.chdir(Path(build_backend.__file__).parent)  # as a build does
    monkeypatch.setattr(build_backend, "system_compiler", lambda: ["cc"])
    assert "ziglang" not in build_backend.get_requires_for_build_wheel()
    assert "ziglang" not in build_backend.get_requires_for_build_editable()

    monkeypatch.setattr(build_backend, "system_compiler", lambda: None)
    assert "ziglang" in build_backend.get_requires_for_build_wheel()
    assert "ziglang" in build_backend.get_requires_for_build_editable()


def test_without_any_compiler_it_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(build_kernel, "zig_compiler", lambda: None)

    with pytest.raises(BuildFailed, match="needs a C compiler or the PyPI package ziglang"):
        compile_library(tmp_path / "_kernel.so")


@WITH_ZIG
@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_zig_builds_for_old_systems(tmp_path, architecture):
    compile_library(tmp_path / "_kernel.so", f"{architecture}-linux-gnu.2.17")

    assert newest_glibc(tmp_path / "_kernel.so") <= (2, 17)
