"""One line of a run's manifest: what ``plan`` writes and ``compare`` reads."""

from __future__ import annotations

from typing import TypedDict


class ChunkTask(TypedDict):
    """Everything that a compare function needs to know; ids and numbers only."""

    project_id: str
    run_id: str
    threshold: float
    encoding_size_bytes: int
    upload_a: str
    upload_b: str
    chunk: dict[str, int]
