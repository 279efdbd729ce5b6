"""Chunks of a run: how large they are to be, and the line of the manifest that ``plan`` writes of each and
``compare`` reads; ids and numbers only."""

from __future__ import annotations

from typing import TypedDict

from chalicelib.config import settings
from chalicelib.linkage import planning


def wanted_comparisons(total: int) -> int:
    """The size of a chunk in a run of ``total`` comparisons, by the settings."""
    s = settings()
    return planning.chunk_comparisons(
        total,
        comparisons_per_second=s.comparisons_per_second,
        parallelism=s.compare_concurrency,
        min_seconds=s.chunk_min_seconds,
        max_seconds=s.chunk_max_seconds,
    )


class StoredDataset(TypedDict):
    """Where a data set is, and how much of it there is, in S3 and in the cache alike."""

    project_id: str
    dp_id: str
    upload_id: str
    encoding_size_bytes: int
    stored_rows: int  # the number of records, or in a blocked project of records times their blocks
    is_blocked: bool


class ChunkTask(TypedDict):
    """Everything that a compare function needs to know."""

    project_id: str
    run_id: str
    threshold: float
    dataset_a: StoredDataset
    dataset_b: StoredDataset
    chunk: dict[str, int]
