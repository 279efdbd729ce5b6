"""A stand-in for Terraform that any machine has: ``script.py``, put on PATH."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class FakeTerraform:
    """What it was asked, and what it is to do."""

    folder: Path

    @classmethod
    def install(cls, folder: Path, set_variable: Callable[[str, str], None]) -> FakeTerraform:
        """``set_variable`` sets PATH, and where the stand-in finds ``folder``."""
        (folder / "bin").mkdir(parents=True)
        program = folder / "bin" / "terraform"
        program.write_text(f"#!{sys.executable}\n" + Path(__file__).with_name("script.py").read_text())
        program.chmod(0o755)
        set_variable("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        set_variable("FAKE_TERRAFORM", str(folder))
        return cls(folder)

    @property
    def calls(self) -> list[str]:
        """``module command options`` of each."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def called(self, module: str) -> list[str]:
        """The commands for one module, in order."""
        return [call.split()[1] for call in self.calls if call.split()[0] == module]

    def gives(self, module: str, **outputs: Any) -> None:
        path = self.folder / "outputs.json"
        given = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(given | {module: outputs}))

    def hang(self, module: str) -> None:
        """Let the next apply of ``module`` end only when it is interrupted."""
        (self.folder / "hang").write_text(module)

    @property
    def hangs(self) -> bool:
        return (self.folder / "hangs").exists()

    def refuse(self, times: int) -> None:
        """Let the next destroys fail."""
        (self.folder / "refusals").write_text(str(times))


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.02)
