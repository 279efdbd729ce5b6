"""Which instruction set is used: the processor's own list of them, and the environment's say."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

import dice_kernel
from dice_kernel import _library


def test_each_that_the_machine_runs_can_be_forced(isa):
    assert dice_kernel.isa() == isa


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags have other names elsewhere")
@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux lists the flags")
def test_the_fastest_is_chosen(monkeypatch):
    monkeypatch.delenv(_library.ISA_VARIABLE, raising=False)
    flags = Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0].split()
    if {"avx512f", "avx512bw", "avx512_vpopcntdq"} <= set(flags):
        assert dice_kernel.isa() == "avx512"
    else:
        assert dice_kernel.isa() == ("avx2" if "avx2" in flags else "portable")


@pytest.mark.skipif(platform.machine() != "aarch64", reason="of that architecture")
def test_arm_always_has_neon(monkeypatch):
    monkeypatch.delenv(_library.ISA_VARIABLE, raising=False)

    assert dice_kernel.isa() == "neon"


def test_an_unknown_one_is_refused(monkeypatch):
    monkeypatch.setenv(_library.ISA_VARIABLE, "sse9")

    with pytest.raises(ValueError, match="must be one of portable, neon, avx2, avx512, got 'sse9'"):
        dice_kernel.isa()


def test_one_that_the_machine_lacks_is_refused(monkeypatch):
    missing = next(
        name for number, name in enumerate(_library.ISAS) if not _library.library.dk_isa_supported(number)
    )
    monkeypatch.setenv(_library.ISA_VARIABLE, missing)

    with pytest.raises(ValueError, match=f"is {missing}, which this machine doesn't run"):
        dice_kernel.isa()
