"""One line of a run's manifest: what ``plan`` writes and ``compare`` reads; ids and numbers only."""

from __future__ import annotations

from typing import TypedDict


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
