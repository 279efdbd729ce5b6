"""The build for ARM in Lambda, run under qemu's emulation, against this machine's own.

Needs the PyPI package ziglang to compile, and to run qemu-aarch64 and ARM's glibc (Debian: qemu-user and
libc6-arm64-cross). On an ARM machine the other tests take its instruction set by themselves.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import build_kernel
import dice_kernel
from dice_kernel._library import ISAS, Hits

QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
ARM_ROOT = Path("/usr/aarch64-linux-gnu")
TARGET = "aarch64-linux-gnu.2.17"

pytestmark = [
    pytest.mark.skipif(build_kernel.zig_compiler() is None, reason="needs the package ziglang"),
    pytest.mark.skipif(QEMU is None, reason="needs qemu-aarch64"),
    pytest.mark.skipif(not (ARM_ROOT / "lib" / "libc.so.6").exists(), reason="needs ARM's glibc"),
]

Compare = Callable[..., tuple[str, Hits]]


@pytest.fixture(scope="module")
def emulated_compare(tmp_path_factory) -> Compare:
    """``compare`` of the ARM build with the named instruction set; gives the fastest one and the hits."""
    directory = tmp_path_factory.mktemp("arm")
    program, library = directory / "emulated", directory / "_kernel.so"
    build_kernel.compile_library(library, TARGET)
    options = ["-target", TARGET, *build_kernel.COMMON_FLAGS, "-I", build_kernel.SOURCES, "-o", program]
    command = [*build_kernel.zig_compiler(), *options, Path(__file__).with_name("emulated.c"), library]
    build_kernel.run_compiler([str(word) for word in command], directory)

    def compare(a: np.ndarray, b: np.ndarray, threshold: float, isa: str, threads: int = 1):
        arguments = [ISAS.index(isa), repr(threshold), a.shape[1], len(a), len(b), threads]
        finished = subprocess.run(
            [QEMU, "-L", str(ARM_ROOT), str(program), *map(str, arguments)],
            input=a.tobytes() + b.tobytes(),
            capture_output=True,
            check=True,
        )
        best, count = np.frombuffer(finished.stdout, dtype=np.uint64, count=2).tolist()
        scores = np.frombuffer(finished.stdout, dtype=np.float64, offset=16, count=count)
        rows = np.frombuffer(finished.stdout, dtype=np.uint32, offset=16 + 8 * count).reshape(2, count)
        return ISAS[best], (scores, *rows)

    return compare


def in_order(hits: Hits) -> list[tuple[float, int, int]]:
    return sorted(zip(*(column.tolist() for column in hits), strict=True))


def with_twins(records: np.ndarray) -> np.ndarray:
    """The same number of records: a third alike, a third the same, the others of no one."""
    random, third = np.random.default_rng(5), len(records) // 3
    flips = np.packbits(random.random((third, 8 * records.shape[1])) < 0.04, axis=1)
    strangers = random.integers(0, 256, (len(records) - 2 * third, records.shape[1]), dtype=np.uint8)
    return np.concatenate([records[:third] ^ flips, records[third : 2 * third], strangers])


@pytest.mark.parametrize("isa", ["neon", "portable"])
@pytest.mark.parametrize("size", [8, 24, 64, 128, 136, 256, 1024])
# Compared pair by pair, in tiles, and with a prefix.
@pytest.mark.parametrize(("count", "threads"), [(20, 1), (91, 1), (1_100, 2)])
def test_hits_are_the_same_to_the_bit(emulated_compare, isa, size, count, threads, clks):
    a = clks(count, size)
    b = with_twins(a)
    b[5], b[7] = 0, 255

    for threshold in (0.7, 0.9):
        fastest, found = emulated_compare(a, b, threshold, isa, threads)
        assert fastest == "neon"
        assert in_order(found) == in_order(dice_kernel.compare(a, b, threshold))
        assert len(found[0]) >= count // 3


@pytest.mark.parametrize("isa", ["neon", "portable"])
def test_counters_hold_the_most_bits_that_records_have(emulated_compare, isa):
    ones = np.full((90, 1024), 255, dtype=np.uint8)

    scores, rows_a, rows_b = emulated_compare(ones, ones, 1.0, isa)[1]

    assert scores.tolist() == [1.0] * 8_100
    assert len(set(zip(rows_a.tolist(), rows_b.tolist(), strict=True))) == 8_100
