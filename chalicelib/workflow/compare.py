"""The fan-out of the link state machine: one call compares one chunk of a run.

Thousands of these run at once, so they touch S3 and Redis only, never Postgres, and their module
imports nothing that talks to it. Writing the candidate file is the commit: the same chunk writes
the same bytes under the same key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.candidates import (
    HEADER,
    PAIR_BYTES,
    Candidates,
    concatenate,
    sort_candidates,
    to_bytes,
)
from chalicelib.linkage.comparison import compare as compare_encodings
from chalicelib.linkage.encodings import Encodings, as_array
from chalicelib.linkage.planning import Chunk
from chalicelib.storage import cache, layout, objects
from chalicelib.workflow.chunks import ChunkTask
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

# What one call may find: 24 bytes a pair, a few times over while they are sorted and written.
MAX_CANDIDATE_PAIRS = 30_000_000
# Between two looks at how much has been found.
_COMPARISONS_A_STEP = 500_000_000

TOO_MANY_PAIRS = "This run has created more than the global limit of candidate pairs."


@tasks.lambda_function()
@task
def compare(event: Event) -> dict[str, int]:
    """Reads its two ranges of encodings, writes the sorted candidate pairs, counts the progress.

    A chunk whose file is there already (a retry, a second attempt of the run) is only counted.
    """
    work: ChunkTask = event  # type: ignore[assignment]  # the manifest's lines are made as such
    chunk = Chunk.from_dict(work["chunk"])
    bucket, key = settings().data_bucket, _key(work, chunk)
    with _reason_kept(work):
        try:
            pairs = (objects.size_of(bucket, key) - len(HEADER)) // PAIR_BYTES
        except objects.NoSuchObject:
            pairs = _compare_and_write(work, chunk, key)
    cache.count_chunk(work["run_id"], chunk.index, chunk.comparisons, pairs)
    return {"candidate_pairs": pairs}


@contextmanager
def _reason_kept(work: ChunkTask) -> Iterator[None]:
    # A Distributed Map fails with words of its own: what its child failed of reaches ``fail`` by S3.
    try:
        yield
    except (PermanentError, Gone) as error:
        key = layout.failure(work["project_id"], work["run_id"])
        _write_unless_deleted(work, key, [str(error).encode()])
        raise


def _key(work: ChunkTask, chunk: Chunk) -> str:
    side_a = (chunk.dataset_a, chunk.start_a, chunk.stop_a)
    side_b = (chunk.dataset_b, chunk.start_b, chunk.stop_b)
    return layout.candidates(work["project_id"], work["run_id"], side_a, side_b)


def _compare_and_write(work: ChunkTask, chunk: Chunk, key: str) -> int:
    try:
        a = load(
            work["project_id"], work["upload_a"], work["encoding_size_bytes"], chunk.start_a, chunk.stop_a
        )
        b = load(
            work["project_id"], work["upload_b"], work["encoding_size_bytes"], chunk.start_b, chunk.stop_b
        )
    except objects.NoSuchObject as error:
        raise Gone("the data set was deleted") from error
    found = find_candidates(a, b, chunk, work["threshold"])
    _write_unless_deleted(work, key, to_bytes([found]))
    return len(found)


def _write_unless_deleted(work: ChunkTask, key: str, pieces: Iterable[bytes]) -> None:
    # The purge removes a run's manifest before it lists what else there is. So either we see
    # that the manifest is gone, or our file was there for the purge to find.
    bucket = settings().data_bucket
    objects.write_stream(bucket, key, pieces)
    if not objects.exists(bucket, layout.manifest(work["project_id"], work["run_id"])):
        objects.delete(bucket, key)
        raise Gone("the run was deleted")


def load(project_id: str, upload_id: str, size: int, start: int, stop: int) -> Encodings:
    """Records ``start`` to ``stop`` (exclusive) of a data set. Raises NoSuchObject."""
    key = layout.encodings(project_id, upload_id)
    return as_array(objects.get_range(settings().data_bucket, key, start * size, stop * size), size)


def find_candidates(a: Encodings, b: Encodings, chunk: Chunk, threshold: float) -> Candidates:
    """The chunk's candidate pairs, sorted.

    Raises PermanentError when there are more than a function can hold.
    """
    rows_a_step = max(1, _COMPARISONS_A_STEP // max(1, len(b)))
    found: list[Candidates] = []
    for start in range(0, len(a), rows_a_step):
        found.append(
            compare_encodings(
                a[start : start + rows_a_step],
                b,
                threshold,
                dataset_a=chunk.dataset_a,
                dataset_b=chunk.dataset_b,
                offset_a=chunk.start_a + start,
                offset_b=chunk.start_b,
                processes=len(os.sched_getaffinity(0)),
            )
        )
        if sum(map(len, found)) > MAX_CANDIDATE_PAIRS:
            raise PermanentError(f"{TOO_MANY_PAIRS} A higher threshold makes fewer.")
    return found[0] if len(found) == 1 else sort_candidates(concatenate(found))
