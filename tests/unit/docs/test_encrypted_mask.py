"""docs/encrypted-mask.md works as it is written."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.unit.docs.blocks import fenced


def test_the_parties_compute_and_the_owner_decrypts_what_the_page_says(stack):
    code = "\n".join(fenced("encrypted-mask.md", "python")).replace("http://127.0.0.1:8851", stack.api_url)

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"earn {sum(range(1_000, 1_060))} and cost {sum(range(70, 130))}" in done.stdout
