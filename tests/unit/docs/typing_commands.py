"""Typing a page's commands as they are written there, one after another."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from localstack.stack import Stack


def type_commands(page: Path, fence: str, stack: Stack, directory: Path) -> str:
    """Run every block of ``page`` that is fenced as ``fence`` in ``directory``; returns what they print."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{fence}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    script = "\n".join(blocks).replace("http://127.0.0.1:8851", stack.api_url)
    script = script.replace("/tmp/tutorial", str(directory))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=directory,
        env={**os.environ, "PATH": path, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
