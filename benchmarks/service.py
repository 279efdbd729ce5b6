"""What the service costs its users and its machine, measured through its API on the embedded stack.

    make serve                                        # in one terminal
    .venv/bin/python -m benchmarks.service            # in another

Prints JSON: the time of a small run from POST to ``completed``, alone and among others, requests a
second, and the peak memory of the functions for two large data sets. Absolute times are this
machine's; memory is what compares.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.watching import Watch
from demo.client import Client
from localstack.stack import Stack

SIZE_BYTES = 128
THRESHOLD = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path(".local"))
    parser.add_argument("--small-runs", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--records", type=int, default=100_000, help="a side, for peak memory (%(default)s)")
    options = parser.parse_args()
    stack = Stack.read(options.data_dir.resolve())
    results = {
        "small_run_seconds": small_runs(stack, options.small_runs),
        "small_runs_at_once_seconds": small_runs_at_once(stack, options.at_once),
        "status_requests_per_second": {str(n): request_rate(stack, n) for n in (1, 8)},
        "run_status_requests_per_second": {str(n): run_status_rate(stack, n) for n in (1, 16)},
        "large": large_run(stack, options.records),
    }
    print(json.dumps(results, indent=2))


def small_runs(stack: Stack, repetitions: int) -> dict[str, float]:
    """100 x 100 records, POST of the run to ``completed``, with the workers warm."""
    linkage = Linkage(stack, 100)
    return spread([linkage.timed_run() for _ in range(repetitions)])


def small_runs_at_once(stack: Stack, clients: int) -> dict[str, float]:
    """The same, each of ``clients`` projects having one at the same time; the second round, warm."""
    linkages = [Linkage(stack, 100) for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        rounds = [list(pool.map(Linkage.timed_run, linkages)) for _ in range(2)]
    return spread(rounds[1])


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)}


def run_status_rate(stack: Stack, clients: int) -> float:
    """``GET …/runs/{run_id}/status`` a second, of a run that is completed."""
    linkage = Linkage(stack, 100)
    return request_rate(stack, clients, linkage.run_path + "/status", linkage.token)


def request_rate(
    stack: Stack, clients: int, path: str = "/status", token: str = "", seconds: float = 5
) -> float:
    """``GET`` of a path a second, by ``clients`` clients that keep their connections."""
    deadline = time.monotonic() + seconds

    def ask(_: int) -> int:
        count = 0
        with requests.Session() as session:
            session.headers["Authorization"] = token
            while time.monotonic() < deadline:
                session.get(f"{stack.api_url}/api/v1{path}", timeout=10).raise_for_status()
                count += 1
        return count

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(ask, range(clients))) / seconds


def large_run(stack: Stack, records: int) -> dict[str, Any]:
    """One run of ``records`` a side: its seconds, and the peak memory of each function's processes in MB."""
    with PeakMemory(stack) as peaks:
        started = time.monotonic()
        linkage = Linkage(stack, records)
        first = time.monotonic() - started
        seconds = linkage.timed_run()
    return {
        "records_a_side": records,
        "upload_ingest_and_first_run_seconds": first,
        "run_seconds": seconds,
        "peak_memory_mb": dict(sorted(peaks.by_function.items())),
    }


class Linkage:
    """A project with two random data sets that share half of their records."""

    def __init__(self, stack: Stack, records: int) -> None:
        random = np.random.default_rng(records)
        first = random.integers(0, 256, (records, SIZE_BYTES), dtype=np.uint8)
        second = random.integers(0, 256, (records, SIZE_BYTES), dtype=np.uint8)
        second[: records // 2] = first[random.permutation(records)[: records // 2]]
        self._client = Client(stack.api_url)
        self._threshold = THRESHOLD
        self._project = self._client.create_project("benchmark", {}, "groups")
        for party, rows in enumerate((first, second)):
            self._client.upload_directly(self._project, party, rows.tobytes(), SIZE_BYTES)
        self.token = self._project.result_token
        self.timed_run()  # which waits until the data has been ingested

    def timed_run(self) -> float:
        """Seconds from POST of a run to its ``completed``."""
        started = time.monotonic()
        self._threshold -= 0.0001  # a threshold as high would reuse the comparisons of the run before
        run_id = self._client.post_run(self._project, self._threshold)
        self.run_path = f"/projects/{self._project.project_id}/runs/{run_id}"
        for _ in self._client.statuses(self._project, run_id):
            pass
        return time.monotonic() - started


class PeakMemory(Watch):
    """Watches the functions' processes; ``by_function`` is the largest peak seen of one process, in MB."""

    def __init__(self, stack: Stack) -> None:
        self._names = {lambda_name: name for name, lambda_name in stack.functions.items()}
        super().__init__()
        self.by_function: dict[str, float] = {}

    def look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            self._look_at(process)

    def _look_at(self, process: Path) -> None:
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            status = (process / "status").read_text()
        except OSError:  # it ended
            return
        for lambda_name, name in self._names.items():
            if b"AWS_LAMBDA_FUNCTION_NAME=" + lambda_name.encode() in environment and "VmHWM:" in status:
                peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
                self.by_function[name] = max(peak, self.by_function.get(name, 0))


if __name__ == "__main__":
    main()
