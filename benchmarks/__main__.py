"""Measures what the files in ``benchmarks/experiments`` describe, one after another.

    make benchmark                                    # everything, some ten minutes on two cores
    .venv/bin/python -m benchmarks kernel growth      # some of it; what was measured before is kept

Each experiment runs in a process of its own. Writes ``results.json``, tables and plots into
``benchmarks/results``; ``python -m benchmarks.report`` makes tables and plots anew from the former.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.machine import machine

EXPERIMENTS = Path(__file__).with_name("experiments")
ORDER = (
    "kernel", "encoding-size", "growth", "blocks", "merge", "solve", "render", "parse", "ingest",
    "mask", "end-to-end", "overhead", "scale",
)  # fmt: skip
# The function of benchmarks.runners for each kind; modules are imported when they are needed.
KINDS = {
    "kernel": ("kernel", "run"),
    "join": ("join", "run"),
    "blocks": ("blocks", "run"),
    "merge": ("pairs", "merge"),
    "solve": ("pairs", "solve"),
    "render": ("pairs", "render"),
    "parse": ("uploads", "parse"),
    "ingest": ("uploads", "ingest"),
    "mask": ("mask", "run"),
    "end_to_end": ("end_to_end", "run"),
    "overhead": ("overhead", "run"),
    "scale": ("scale", "run"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(ORDER)}; all if none")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="directory (%(default)s)")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run(read(options.one))))
        return 0
    if unknown := set(options.names) - set(ORDER):
        parser.error(f"there is no experiment {', '.join(sorted(unknown))}")
    return measure(options.names or ORDER, options.results)


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an experiment, measured in this process."""
    module, function = KINDS[experiment["kind"]]
    rows: list[dict[str, Any]] = getattr(import_module(f"benchmarks.runners.{module}"), function)(experiment)
    return rows


def measure(names: Sequence[str], directory: Path) -> int:
    """Measures the named experiments; how many of them failed."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / report.FILE
    results = json.loads(path.read_text()) if path.exists() else {"experiments": {}}
    failed = 0
    for name in names:
        print(f"{name} … ", end="", flush=True)
        found = _measured(name)
        if found is None:
            failed += 1
            continue
        print(f"{found['seconds']:.0f} s", flush=True)
        results["experiments"][name] = found
        path.write_text(json.dumps(results, indent=1) + "\n")
    report.write(results, directory)
    print(f"see {directory / report.TABLES}")
    return failed


def _measured(name: str) -> dict[str, Any] | None:
    file = EXPERIMENTS / f"{name}.json"
    on, started, at = machine(), time.monotonic(), datetime.now(UTC)
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks", "--one", str(file)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        print(f"failed with {answer.returncode}", flush=True)
        return None
    return {
        "at": at.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "machine": on,
        "experiment": read(file),
        "rows": json.loads(answer.stdout.splitlines()[-1]),
    }


def read(file: Path) -> dict[str, Any]:
    experiment: dict[str, Any] = json.loads(file.read_text())
    return experiment


if __name__ == "__main__":
    sys.exit(main())
