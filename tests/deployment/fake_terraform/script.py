"""Stands in for Terraform: keeps what is asked of it, and a state of one resource.

``FAKE_TERRAFORM`` names its folder: ``calls`` gets a line a command; ``outputs.json`` is what ``output``
gives by module; ``hang`` names the module whose apply never ends by itself; ``refusals``, a number, is how
often it still refuses to destroy.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["FAKE_TERRAFORM"])
MODULE = Path.cwd().name
signals = 0


def main(command: str, *options: str) -> int:
    with (FOLDER / "calls").open("a") as calls:
        calls.write(" ".join([MODULE, command, *options]) + "\n")
    match command:
        case "apply":
            return apply()
        case "destroy":
            return destroy()
        case "output":
            print(json.dumps(json.loads((FOLDER / "outputs.json").read_text())[MODULE][options[-1]]))
        case "state":
            print(state().read_text())
    return 0


def apply() -> int:
    signal.signal(signal.SIGINT, count)
    print("Plan: 2 to add, 0 to change, 0 to destroy.")
    print("aws_thing.this: Creation complete after 0s", flush=True)
    hang = FOLDER / "hang"
    if not hang.exists() or hang.read_text() != MODULE:
        state().write_text("aws_thing.this")
        return 0
    (FOLDER / "hangs").touch()
    while not signals:
        time.sleep(0.01)
    time.sleep(0.5)  # it writes its state, and a second signal would keep it from that
    if signals > 1:
        return 1
    state().write_text("aws_thing.half")
    with (FOLDER / "calls").open("a") as calls:
        calls.write(f"{MODULE} interrupted\n")
    print("Error: execution halted")
    return 1


def count(_number: int, _frame: object) -> None:
    global signals
    signals += 1


def destroy() -> int:
    refusals = FOLDER / "refusals"
    left = int(refusals.read_text()) if refusals.exists() else 0
    if left:
        refusals.write_text(str(left - 1))
        print("Error: it is still being made\n\nError: so is that")
        return 1
    state().write_text("")
    return 0


def state() -> Path:
    backend = json.loads(Path("backend.tf.json").read_text())
    return Path(backend["terraform"]["backend"]["local"]["path"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *(option for option in sys.argv[2:] if option != "-no-color")))
