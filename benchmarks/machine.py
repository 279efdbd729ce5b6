"""The machine that is measured on, and what of the kernel it runs."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import anonlink
import numpy as np

from benchmarks.measuring import environment


def machine() -> dict[str, Any]:
    """What the numbers depend on: processor, cores, memory, versions."""
    fields = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line
    )
    values = {name.strip(): value.strip() for name, value in fields.items()}
    memory_kb = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
    return {
        "processor": values.get("model name", platform.processor()),
        "family_and_model": f"{values.get('cpu family', '?')}/{values.get('model', '?')}",
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_kb / 2**20, 1),
        "load_at_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "anonlink": anonlink.__version__,
        "isas": isas(),
        "commit": _commit(),
    }


def isas() -> list[str]:
    """Instruction sets of the kernel that this machine runs, the fastest first.

    Raises SystemExit where the kernel is not installed.
    """
    try:
        import dice_kernel
    except ImportError:
        raise SystemExit("the kernel is not installed: run `pip install layers/kernel`") from None
    found = []
    for name in ("avx512", "avx2", "neon", "portable"):
        with environment(DICE_KERNEL_ISA=name):
            try:
                found.append(dice_kernel.isa())
            except ValueError:
                continue
    return found


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return answer.stdout.strip() or "unknown"
