"""From names to CLKs: ``clkhash`` under our linkage schema, on all cores.

Each party does this at home, with a secret that the parties share and the service never sees. Ours is
fixed because the people are made up and the figures should be the same on every machine.
"""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from types import TracebackType
from typing import Any

warnings.filterwarnings("ignore", "pkg_resources is deprecated")  # clkhash, on import

from clkhash.clk import generate_clks  # type: ignore[import-untyped]  # noqa: E402
from clkhash.schema import Schema, from_json_dict  # type: ignore[import-untyped]  # noqa: E402

SCHEMA_FILE = Path(__file__).with_name("schema.json")
_SECRET = "two parties agree on something better than this"
_BATCH_RECORDS = 250

Rows = Sequence[tuple[str, ...]]


def read_schema() -> dict[str, Any]:
    """The linkage schema as the parties exchange it and as the project keeps it."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def encoding_size_bytes(schema: dict[str, Any]) -> int:
    return int(schema["clkConfig"]["l"]) // 8


class Encoder:
    """Encodes tables; a context manager, because it keeps a process per core.

    The processes are forked when it is made, so make it before starting threads.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        arguments = (from_json_dict(schema),)
        self._pool: Pool = get_context("fork").Pool(
            len(os.sched_getaffinity(0)), initializer=_keep_schema, initargs=arguments
        )

    def __enter__(self) -> Encoder:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def encode(self, rows: Rows) -> Iterator[tuple[int, bytes]]:
        """Batches in the order of the rows: how many records, and their encodings one after another.

        Raises clkhash's InvalidEntryError when a value breaks the schema's format.
        """
        batches = [rows[start : start + _BATCH_RECORDS] for start in range(0, len(rows), _BATCH_RECORDS)]
        for batch, encodings in zip(batches, self._pool.imap(_encode_batch, batches), strict=True):
            yield len(batch), encodings


_schema: Schema | None = None


def _keep_schema(schema: Schema) -> None:
    global _schema
    _schema = schema
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which ends us


def _encode_batch(rows: Rows) -> bytes:
    encodings = generate_clks(rows, _schema, _SECRET, max_workers=1)
    return b"".join(encoding.tobytes() for encoding in encodings)
