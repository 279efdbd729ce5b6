"""Chunks of a run: how large they are to be, and the line of the manifest that ``plan`` writes of each and
``compare`` reads; ids and numbers only."""

from __future__ import annotations

from typing import NotRequired, TypedDict

Pair = tuple[int, int]
"""The indexes of two data sets, the lower first."""


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
    planned_at: NotRequired[float]  # seconds of the epoch; earlier releases' manifests have none
