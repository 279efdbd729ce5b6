"""Compiles csrc/*.c to one shared library, with the system's C compiler or with zig's from PyPI.

    python build_kernel.py                                                for this machine, in place
    python build_kernel.py --target x86_64-linux-gnu.2.17 --output DIR/dice_kernel/_kernel.so     for Lambda
    python build_kernel.py --target aarch64-linux-gnu.2.17 --output DIR/dice_kernel/_kernel.so    on ARM, too

A target is compiled for on any machine, by zig alone: pip install ziglang. If it names a version of glibc,
the library is checked to need no newer one. The modules of src/dice_kernel belong beside the library.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "csrc"
IN_PLACE = HERE / "src" / "dice_kernel" / "_kernel.so"

COMMON_FLAGS = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror=vla"]
LINK_FLAGS = ["-shared", "-pthread", "-Wl,-s"]
# Of sources that are named for an instruction set; on any other architecture they compile to nothing.
X86_FLAGS = {
    "_avx2": ["-mavx2", "-mpopcnt", "-mbmi", "-mbmi2"],
    "_avx512": ["-mavx2", "-mpopcnt", "-mbmi", "-mbmi2", "-mavx512f", "-mavx512bw", "-mavx512vpopcntdq"],
}

SHT_GNU_VERNEED = 0x6FFFFFFE  # elf.h


class BuildFailed(RuntimeError):
    """There is no compiler, it failed, or the library isn't what was asked for."""


def system_compiler() -> list[str] | None:
    """The command of the system's C compiler: $CC, cc, gcc or clang, whichever is found first."""
    for candidate in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        words = candidate.split()
        if words and shutil.which(words[0]):
            return words
    return None


def zig_compiler() -> list[str] | None:
    """The command of the C compiler in the PyPI package ziglang, if that is installed."""
    if importlib.util.find_spec("ziglang") is None:
        return None
    # Left alone, zig compiles for the very processor it runs on, and the library may run on another.
    return [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]


def compile_library(output: Path, target: str | None = None) -> None:
    """Writes the library to ``output``, whole or not at all.

    ``target`` is zig's name of a platform, as aarch64-linux-gnu.2.17; None is this machine.
    Raises BuildFailed.
    """
    compiler, machine = _compiler(target), (target or platform.machine()).split("-")[0]
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as directory:
        scratch = Path(directory)
        objects = [_compile(compiler, source, machine, scratch) for source in sorted(SOURCES.glob("*.c"))]
        library = scratch / "library.so"
        run_compiler([*compiler, *LINK_FLAGS, "-o", str(library), *objects], scratch)
        _check_glibc(library, target)
        library.replace(output)


def run_compiler(command: list[str], scratch: Path) -> None:
    """Runs a compiler's command, whose temporary files may be put in ``scratch``. Raises BuildFailed."""
    # zig's caches. By default they are in the home directory, and where that cannot be written zig hangs.
    caches = {name: str(scratch) for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    finished = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**caches, **os.environ}
    )
    if finished.stderr:
        print(finished.stderr, file=sys.stderr)
    if finished.returncode:
        raise BuildFailed(f"{' '.join(command)} ended with {finished.returncode}")


def newest_glibc(library: Path) -> tuple[int, ...]:
    """The newest version of glibc, as (2, 17), that a 64-bit little-endian ELF library needs; () for none.

    Read from its sections of needed symbol versions (Linux Standard Base, Symbol Versioning).
    """
    elf = library.read_bytes()
    if elf[:6] != b"\x7fELF\x02\x01":
        raise BuildFailed(f"{library} is no 64-bit little-endian ELF file")
    (sections_at,) = struct.unpack_from("<Q", elf, 0x28)
    section_size, section_count = struct.unpack_from("<HH", elf, 0x3A)
    # Of each: name, type, flags, address, offset, size, link, info, alignment, size of an entry.
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", elf, sections_at + i * section_size) for i in range(section_count)
    ]
    versions = [
        tuple(map(int, name.removeprefix("GLIBC_").split(".")))
        for section in sections
        if section[1] == SHT_GNU_VERNEED
        for name in _needed_versions(elf, section[4], section[7], sections[section[6]][4])
        if re.fullmatch(r"GLIBC_[\d.]+", name)
    ]
    return max(versions, default=())


def _needed_versions(elf: bytes, offset: int, files: int, strings: int) -> list[str]:
    """The names of versions in a chain of ``files`` Verneed entries, each with a chain of Vernaux."""
    names = []
    for _ in range(files):
        _, count, _, auxiliary, next_file = struct.unpack_from("<HHIII", elf, offset)
        at = offset + auxiliary
        for _ in range(count):
            _, _, _, name, next_version = struct.unpack_from("<IHHII", elf, at)
            start = strings + name
            names.append(elf[start : elf.index(b"\0", start)].decode())
            at += next_version
        offset += next_file
    return names


def _compiler(target: str | None) -> list[str]:
    if target is None:
        compiler = system_compiler() or zig_compiler()
    else:
        zig = zig_compiler()
        compiler = [*zig, "-target", target] if zig else None
    if compiler is None:
        wanted = "the PyPI package ziglang" if target else "a C compiler or the PyPI package ziglang"
        raise BuildFailed(f"the kernel needs {wanted} to be built")
    return compiler


def _compile(compiler: list[str], source: Path, machine: str, scratch: Path) -> str:
    compiled = scratch / f"{source.stem}.o"
    flags = [*COMMON_FLAGS, *_instruction_flags(source, machine)]
    run_compiler([*compiler, *flags, "-c", str(source), "-o", str(compiled)], scratch)
    return str(compiled)


def _instruction_flags(source: Path, machine: str) -> list[str]:
    if machine not in ("x86_64", "AMD64"):
        return []
    return next((flags for suffix, flags in X86_FLAGS.items() if source.stem.endswith(suffix)), [])


def _check_glibc(library: Path, target: str | None) -> None:
    named = re.search(r"gnu\.([\d.]+)$", target or "")
    if named is None:
        return
    newest = newest_glibc(library)
    if newest > tuple(map(int, named[1].split("."))):
        raise BuildFailed(f"the library needs glibc {'.'.join(map(str, newest))}, not {named[1]} at most")


def main() -> None:
    """Compiles as the command line says, and prints where the library is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", help="platform, as aarch64-linux-gnu.2.17, compiled for through ziglang")
    parser.add_argument("--output", type=Path, help="the library's file; must be given with a target")
    arguments = parser.parse_args()
    if arguments.target and not arguments.output:
        parser.error("--target needs --output, since the library in place is this machine's")
    output = arguments.output or IN_PLACE
    try:
        compile_library(output, arguments.target)
    except BuildFailed as failure:
        sys.exit(str(failure))
    print(output)


if __name__ == "__main__":
    main()
