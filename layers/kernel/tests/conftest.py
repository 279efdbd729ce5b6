"""What the tests of comparing share."""

from __future__ import annotations

import numpy as np
import pytest

from dice_kernel import _library


def runnable_isas() -> list[str]:
    """The instruction sets that this machine runs."""
    return [name for number, name in enumerate(_library.ISAS) if _library.library.dk_isa_supported(number)]


@pytest.fixture(params=runnable_isas())
def isa(request, monkeypatch) -> str:
    """Each instruction set in turn, in use."""
    monkeypatch.setenv(_library.ISA_VARIABLE, request.param)
    return str(request.param)


@pytest.fixture
def clks():
    """Makes (count, size) encodings with bits as dense as in practice, some bits far denser than others."""

    def make(count: int, size: int = 128, seed: int = 0) -> np.ndarray:
        density = np.random.default_rng(99).beta(2, 2, 8 * size)
        return np.packbits(np.random.default_rng(seed).random((count, 8 * size)) < density, axis=1)

    return make
