"""What a run compares: its data sets, and where blocking says which of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.linkage.blocking import BlockIndex, common_blocks
from chalicelib.linkage.rectangles import Rectangle
from chalicelib.storage import layout, objects
from chalicelib.storage.projects import Dataset, Project
from chalicelib.workflow.chunks import StoredDataset


@dataclass(frozen=True)
class RunData:
    """All data sets in the order of their dataset index; ``indexes`` are None without blocking."""

    datasets: list[StoredDataset]
    indexes: list[BlockIndex] | None

    def pairs(self) -> Iterable[tuple[int, int]]:
        """Every pair of dataset indexes, the lower first."""
        return combinations(range(len(self.datasets)), 2)

    def rectangles(self, dataset_a: int, dataset_b: int) -> Iterator[Rectangle]:
        """What of two data sets is compared, in stored rows: their common blocks, or all of them."""
        if self.indexes is not None:
            yield from common_blocks(self.indexes[dataset_a], self.indexes[dataset_b])
        else:
            yield 0, self.datasets[dataset_a]["stored_rows"], 0, self.datasets[dataset_b]["stored_rows"]


def read_run_data(project: Project, datasets: list[Dataset]) -> RunData:
    """What a run of the project compares. Reads a blocked one's indexes of blocks, 40 bytes a block.

    The indexes come from S3 alone: all states of a run must agree on what is compared.
    Raises Gone when a data set was deleted.
    """
    if not project.uses_blocking:
        return RunData([_stored(project, dataset, dataset.count) for dataset in datasets], None)
    indexes = [_read_index(project.project_id, dataset.upload_id) for dataset in datasets]
    stored_rows = [index.stored_rows for index in indexes]
    stored = [_stored(project, *of_one) for of_one in zip(datasets, stored_rows, strict=True)]
    return RunData(stored, indexes)


def _read_index(project_id: str, upload_id: str) -> BlockIndex:
    key = layout.blocks(project_id, upload_id)
    try:
        return BlockIndex.from_bytes(objects.get(settings().data_bucket, key))
    except objects.NoSuchObject as error:
        raise Gone("the data set was deleted") from error


def _stored(project: Project, dataset: Dataset, stored_rows: int) -> StoredDataset:
    return {
        "project_id": project.project_id,
        "dp_id": dataset.dp_id,
        "upload_id": dataset.upload_id,
        "encoding_size_bytes": dataset.encoding_size_bytes,
        "stored_rows": stored_rows,
        "is_blocked": project.uses_blocking,
    }
