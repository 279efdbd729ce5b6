"""What the instructions that count bits allow on one core, measured by the loop of ``limit.c``, which does
nothing else. The kernel must also load its records and find the pairs that reach the threshold."""

from __future__ import annotations

import ctypes
import importlib.util
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

from benchmarks.machine import isas
from benchmarks.measuring import least_seconds

SOURCE = Path(__file__).parents[1] / "limit.c"
BUILD = Path(__file__).parents[2] / "layers" / "kernel" / "build_kernel.py"

LOOPS = ("avx512", "avx2", "neon")
ROUNDS = 1 << 20  # one to three milliseconds, which are rarely interrupted
REPETITIONS = 10


def limit(isa: str, size_bytes: int) -> float | None:
    """Pairs of records of ``size_bytes`` whose common bits one core can count in a second, all of them.

    None without a compiler, and for an instruction set that has no loop or isn't this machine's.
    Raises build_kernel's BuildFailed where the compiler fails.
    """
    count = _compiled(isa) if isa in LOOPS and isa in isas() else None
    if count is None:
        return None
    bits = count(ROUNDS)
    seconds = least_seconds({isa: lambda: count(ROUNDS)}, REPETITIONS)[isa]
    return bits / (8 * size_bytes) / seconds


@cache
def _compiled(isa: str) -> Callable[[int], int] | None:
    """The function of limit.c, compiled as the kernel is for this machine; None without a compiler."""
    build = _build_kernel()
    compiler = build.system_compiler() or build.zig_compiler()
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as directory:
        library = Path(directory, "limit.so")
        flags = [*build.COMMON_FLAGS, *build.X86_FLAGS.get(f"_{isa}", []), *build.LINK_FLAGS]
        build.run_compiler([*compiler, *flags, "-o", str(library), str(SOURCE)], Path(directory))
        function = ctypes.CDLL(str(library)).count_common
    function.argtypes, function.restype = [ctypes.c_uint64], ctypes.c_uint64
    count: Callable[[int], int] = function
    return count


def _build_kernel() -> ModuleType:
    """The kernel's build script, which no package holds."""
    spec = importlib.util.spec_from_file_location("build_kernel", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
