"""The limit of an instruction set is measured where it can be, and is one that a processor can have."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks.runners import limit as runner
from benchmarks.runners.limit import LOOPS, limit

pytest.importorskip("dice_kernel")

VECTOR_BYTES = {"avx512": 64, "avx2": 32, "neon": 16}
INSTRUCTIONS = {"avx512": 3, "avx2": 6, "neon": 3}  # for each vector


@pytest.fixture
def uncompiled():
    """Nothing is left of what was compiled before, nor of what the test makes of it."""
    runner._compiled.cache_clear()
    yield
    runner._compiled.cache_clear()


@pytest.mark.parametrize("isa", LOOPS)
def test_a_limit_takes_all_instructions_and_no_more_of_them_than_processors_execute(isa):
    if isa not in runner.isas():
        pytest.skip("not of this machine")
    if runner._compiled(isa) is None:
        pytest.skip("needs a C compiler")

    found = limit(isa, 128)

    assert found is not None
    per_second = found * 128 / VECTOR_BYTES[isa] * INSTRUCTIONS[isa]
    # Four of them a cycle at 6 GHz are 24e9; without those that a compiler could move out of the loop it
    # would seem to be three times as many. A slow or busy machine is far above the lower bound.
    assert 1e7 < per_second < 35e9


def test_a_limit_is_the_counted_bits_by_those_of_a_record_and_by_the_shortest_time(monkeypatch):
    monkeypatch.setattr(runner, "isas", lambda: ["avx2"])
    monkeypatch.setattr(runner, "_compiled", lambda isa: lambda rounds: 1024 * rounds)
    monkeypatch.setattr(runner, "least_seconds", lambda calls, repetitions: dict.fromkeys(calls, 0.5))

    assert limit("avx2", 128) == 2 * runner.ROUNDS
    assert limit("avx2", 64) == 4 * runner.ROUNDS


def test_without_a_compiler_there_is_no_limit(monkeypatch, uncompiled):
    none = SimpleNamespace(system_compiler=lambda: None, zig_compiler=lambda: None)
    monkeypatch.setattr(runner, "_build_kernel", lambda: none)

    assert [limit(isa, 128) for isa in LOOPS] == [None] * len(LOOPS)


def test_other_instruction_sets_have_no_limit():
    foreign = [isa for isa in LOOPS if isa not in runner.isas()]

    assert foreign  # x86 and ARM are not the same machine
    assert [limit(isa, 128) for isa in [*foreign, "portable"]] == [None] * (len(foreign) + 1)
