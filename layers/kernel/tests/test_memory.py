"""What happens when memory runs out."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALL_HITS_IN_LITTLE_MEMORY = """
import resource
from pathlib import Path

import numpy as np

import dice_kernel

records = np.full((6_000, 64), 255, dtype=np.uint8)  # 36 million hits, of 16 bytes each in the library
dice_kernel.compare(records[:100], records[:100], 0.9, threads=2)
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 200_000_000,) * 2)
for threads in (1, 2):
    try:
        dice_kernel.compare(records, records, 0.9, threads=threads)
    except MemoryError as error:
        print(error)
print(len(dice_kernel.compare(records[:1_000], records[:1_000], 0.9)[0]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_running_out_of_memory_is_an_error_and_frees_what_was_taken():
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALL_HITS_IN_LITTLE_MEMORY],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
    )

    assert finished.stdout.split("\n") == ["the kernel ran out of memory"] * 2 + ["1000000", ""]
