"""Building: the check of versions, and which compiler is taken."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import build_backend
import build_kernel
import dice_kernel
from build_kernel import BuildFailed, compile_library, newest_glibc
from dice_kernel import _library

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


def test_a_library_for_another_machine_does_not_replace_this_ones(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["build_kernel.py", "--target", "aarch64-linux-gnu.2.17"])

    with pytest.raises(SystemExit, match="2"):
        build_kernel.main()

    assert "--target needs --output" in capsys.readouterr().err


@WITH_ZIG
@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_zig_builds_for_old_systems(tmp_path, architecture):
    compile_library(tmp_path / "_kernel.so", f"{architecture}-linux-gnu.2.17")

    assert newest_glibc(tmp_path / "_kernel.so") <= (2, 17)


@WITH_ZIG
def test_zig_compiles_for_any_processor_and_not_for_this_one():
    command = [*build_kernel.zig_compiler(), "-dM", "-E", "-x", "c", os.devnull]

    macros = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "__GNUC__" in macros
    assert "__AVX" not in macros


COMPARE = """
import json, sys
import numpy as np
import dice_kernel
records = np.load(sys.argv[1])
hits = dice_kernel.compare(records, records, 0.6)
print(json.dumps([dice_kernel.__file__, dice_kernel.isa(), *(column.tolist() for column in hits)]))
"""


@WITH_ZIG
@pytest.mark.slow
def test_a_machine_without_compiler_and_home_gets_the_same_hits_as_fast(tmp_path, monkeypatch, clks):
    package = tmp_path / "dice_kernel"
    shutil.copytree(INSTALLED.parent, package, ignore=shutil.ignore_patterns("*.so"))
    np.save(tmp_path / "records.npy", records := clks(1_100))
    for name in ("CC", "HOME", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", _library.ISA_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")

    compile_library(package / "_kernel.so")

    for isa in ["", *(name for i, name in enumerate(_library.ISAS) if _library.library.dk_isa_supported(i))]:
        finished = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", COMPARE, str(tmp_path / "records.npy")],
            env={"PYTHONPATH": str(tmp_path), _library.ISA_VARIABLE: isa},
            capture_output=True,
            check=True,
        )
        file, used, *hits = json.loads(finished.stdout)
        assert file == str(package / "__init__.py")
        assert used == (isa or dice_kernel.isa())
        expected = dice_kernel.compare(records, records, 0.6)
        assert sorted(zip(*hits, strict=True)) == sorted(
            zip(*(column.tolist() for column in expected), strict=True)
        )
