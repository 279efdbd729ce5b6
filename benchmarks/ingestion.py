"""Seconds and peak memory of ingesting one upload, for several forms and sizes.

    .venv/bin/python -m benchmarks.ingestion --records 100000 1000000

Starts a Postgres, a Redis and an emulated S3 of its own; each ingestion is a process of its own, as in
Lambda. Prints a JSON object a line. ``peak_mb`` is all memory of the process at its largest, ``anonymous_mb``
what of it could not be given back to the system: the rest are pages of temporary files.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.watching import Watch
from chalicelib.storage import clients, layout, migrate, objects, projects, uploads
from chalicelib.storage.tokens import new_id, new_token
from localstack import emulator, postgres, redis
from localstack.settings import ACCESS_KEY, HOST, REGION, SECRET_KEY, Settings
from localstack.supervisor import Supervisor

SIZE_BYTES = 128
BLOCKS_PER_RECORD = 3
FORMS = ("json", "binary", "clknblocks", "binary and blocks file")
_ROWS = 10_000  # generated at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    parser.add_argument("--ingest", metavar="UPLOAD", help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.ingest:
        print(json.dumps(ingestion(options.ingest)))
        return
    with TemporaryDirectory() as directory:
        settings = Settings.load(Path(directory), 0)
        settings.logs_dir.mkdir()
        parts = [postgres.part(settings), redis.part(settings), emulator.part(settings)]
        supervisor = Supervisor(parts, settings.logs_dir, threading.Event())
        try:
            supervisor.start()
            os.environ.update(environment(settings))
            migrate.migrate()
            for bucket in ("data", "upload"):
                clients.s3().create_bucket(Bucket=bucket)
            for records in options.records:
                for form in options.forms:
                    print(
                        json.dumps({"form": form, "records": records, **measured(form, records)}), flush=True
                    )
        finally:
            supervisor.stop()


def measured(form: str, records: int) -> dict[str, float]:
    upload_id = put_upload(form, records)
    command = [sys.executable, "-m", "benchmarks.ingestion", "--ingest", upload_id]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measures: dict[str, float] = json.loads(output.splitlines()[-1])
    objects.delete_prefix("data", "")
    return measures


def put_upload(form: str, records: int) -> str:
    """An upload of random encodings, ready to be ingested; a fifth as many blocks as records."""
    project = projects.create(
        name="benchmark",
        notes="",
        schema={},
        result_type="groups",
        number_parties=2,
        uses_blocking="blocks" in form,
        encoding_size_bytes=None,
    )
    provider = projects.data_providers(project.project_id)[0]
    upload_id = new_id()
    key = layout.direct_upload(project.project_id, provider.dp_id, upload_id)
    has_file = form == "binary and blocks file"
    if has_file:
        objects.write_stream("data", f"{key}.blocks", blocks_file(records))
    is_binary = form.startswith("binary")
    pieces = raw(records) if is_binary else document(form, records)
    upload = uploads.NewUpload(
        upload_id=upload_id,
        dp_id=provider.dp_id,
        project_id=project.project_id,
        format="binary" if is_binary else "json",
        bucket="data",
        object_key=key,
        size_bytes=objects.write_stream("data", key, pieces),
        encodings_count=records,
        encoding_size_bytes=SIZE_BYTES,
        blocks_key=f"{key}.blocks" if has_file else None,
    )
    uploads.take(upload, timedelta(days=1))
    uploads.begin_ingestion(upload_id, new_token())
    return upload_id


def raw(records: int) -> Iterator[bytes]:
    random = np.random.default_rng(records)
    for start in range(0, records, _ROWS):
        yield random.bytes(min(_ROWS, records - start) * SIZE_BYTES)


def document(form: str, records: int) -> Iterator[bytes]:
    key = "clks" if form == "json" else form
    separator = f'{{"{key}":['.encode()
    all_names = block_names(records)
    for piece in raw(records):
        rows = (piece[i : i + SIZE_BYTES] for i in range(0, len(piece), SIZE_BYTES))
        texts = (base64.b64encode(row).decode() for row in rows)
        items = texts if form == "json" else ([text, *next(all_names)] for text in texts)
        yield separator + ",".join(json.dumps(item) for item in items).encode()
        separator = b","
    yield b"]}"


def blocks_file(records: int) -> Iterator[bytes]:
    separator = '{"blocks":{'
    for record, names in enumerate(block_names(records)):
        yield f'{separator}"{record}":{json.dumps(names)}'.encode()
        separator = ","
    yield b"}}"


def block_names(records: int) -> Iterator[list[str]]:
    random = np.random.default_rng(records + 1)
    for start in range(0, records, _ROWS):
        numbers = random.integers(0, records // 5, (min(_ROWS, records - start), BLOCKS_PER_RECORD))
        for row in numbers.tolist():
            yield [f"block {number}" for number in row]


def ingestion(upload_id: str) -> dict[str, float]:
    from chalicelib.workflow.ingest import ingest

    with AnonymousMemory() as memory:
        before = status("VmRSS")
        started = time.perf_counter()
        ingest({"upload_id": upload_id}, None)
        seconds = time.perf_counter() - started
    return {
        "seconds": round(seconds, 2),
        "before_mb": before,
        "peak_mb": status("VmHWM"),
        "anonymous_mb": memory.peak_mb,
    }


class AnonymousMemory(Watch):
    """Watches this process; ``peak_mb`` is the most that it held outside files."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        super().__init__()

    def look(self) -> None:
        self.peak_mb = max(self.peak_mb, status("RssAnon"))


def status(name: str) -> float:
    """A value of this process's memory, in MB."""
    text = Path("/proc/self/status").read_text()
    return round(int(text.split(f"{name}:")[1].split()[0]) / 1024, 1)


def environment(settings: Settings) -> dict[str, str]:
    return {
        "DATABASE_HOST": HOST,
        "DATABASE_PORT": str(settings.postgres_port),
        "DATABASE_NAME": "anonlink",
        "DATABASE_USER": "anonlink",
        "DATABASE_PASSWORD": settings.database_password,
        "DATABASE_SSLMODE": "disable",
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(settings.redis_port),
        "REDIS_PASSWORD": settings.redis_password,
        "REDIS_TLS": "false",
        "DATA_BUCKET": "data",
        "UPLOAD_BUCKET": "upload",
        "STATE_MACHINE_ARN_PREFIX": f"arn:aws:states:{REGION}:000000000000:stateMachine:",
        "SIGNER_ROLE_ARN": "arn:aws:iam::000000000000:role/signer",
        "FUNCTION_NAME_PREFIX": "",
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


if __name__ == "__main__":
    main()
