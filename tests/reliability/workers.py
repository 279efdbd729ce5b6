"""The processes that run a function."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from localstack.stack import Stack


def kill_workers_of(stack: Stack, function: str) -> None:
    """``function`` is a name of the table of functions."""
    victims = workers_of(stack, function)
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def workers_of(stack: Stack, function: str) -> list[int]:
    """They are known by what Lambda tells them: their name, and where AWS is. There may be other stacks."""
    told = {
        f"AWS_LAMBDA_FUNCTION_NAME={stack.functions[function]}".encode(),
        f"AWS_ENDPOINT_URL={stack.aws_endpoint_url}".encode(),
    }
    found = []
    for directory in Path("/proc").iterdir():
        try:
            if directory.name.isdigit() and told <= _environment(directory):
                found.append(int(directory.name))
        except OSError:  # it ended, or is another user's
            continue
    return found


def _environment(process: Path) -> set[bytes]:
    return set((process / "environ").read_bytes().split(b"\0"))
