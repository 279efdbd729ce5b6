"""Reading uploads: JSON alone, beside the standard library, and whole ingestions."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.ingestion import SIZE_BYTES, document
from benchmarks.measuring import in_a_process
from chalicelib.linkage.json_encodings import read_json_encodings


def parse(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Seconds and memory for ``records`` encodings of 128 bytes in JSON, to one array of bytes."""
    rows = []
    for records in experiment["records"]:
        with TemporaryDirectory() as directory:
            path = Path(directory, "upload.json")
            with path.open("wb") as file:
                file.writelines(document("json", records))
            ours = in_a_process(partial(_streamed, path, records))
            standard = in_a_process(partial(_loaded, path))
            rows.append(
                {
                    "records": records,
                    "megabytes": path.stat().st_size / 1e6,
                    "seconds": ours.seconds,
                    "peak_mb": ours.peak_mb,
                    "standard_seconds": standard.seconds,
                    "standard_peak_mb": standard.peak_mb,
                    "same_bytes": ours.size == standard.size == records * SIZE_BYTES,
                }
            )
    return rows


def _streamed(path: Path, records: int) -> int:
    encodings = bytearray(records * SIZE_BYTES)
    end = 0
    with path.open("rb") as file:
        for batch in read_json_encodings(file):
            encodings[end : end + len(batch.data)] = batch.data
            end += len(batch.data)
    return end


def _loaded(path: Path) -> int:
    with path.open("rb") as file:
        texts = json.load(file)["clks"]
    return len(b"".join([base64.b64decode(text) for text in texts]))


def ingest(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Seconds and memory of the ingest function, from S3 to S3, for each of ``records`` and ``forms``."""
    command = [sys.executable, "-m", "benchmarks.ingestion", "--records", *map(str, experiment["records"])]
    command += ["--forms", *experiment["forms"]]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]
