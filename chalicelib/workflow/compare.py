"""The fan-out of the link state machine: one call compares one chunk of a run.

Thousands of these run at once, so they touch S3 and Redis only, never Postgres, and their module
imports nothing that talks to it. Writing the candidate file is the commit: the same chunk writes
the same bytes under the same key.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.block_planning import Pack, chunk_from_dict
from chalicelib.linkage.blocking import RECTANGLE_BYTES, rectangles_from_bytes
from chalicelib.linkage.candidates import (
    HEADER,
    PAIR_BYTES,
    Candidates,
    concatenate,
    empty,
    sort_candidates,
    to_bytes,
)
from chalicelib.linkage.comparison import compare_blocks
from chalicelib.linkage.merging import without_repeats
from chalicelib.linkage.planning import Chunk
from chalicelib.linkage.rectangles import Rectangle, area, closed_up, split
from chalicelib.observability import count
from chalicelib.storage import cache, layout, objects
from chalicelib.workflow.chunks import ChunkTask
from chalicelib.workflow.fan_out import undone_if_deleted
from chalicelib.workflow.stored_rows import Rows, load
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

# What one call may find: 24 bytes a pair, a few times over while they are sorted and written.
MAX_CANDIDATE_PAIRS = 30_000_000
# Until the first look at how much has been found.
_FIRST_STEP_COMPARISONS = 500_000_000

TOO_MANY_PAIRS = "This run has created more than the global limit of candidate pairs."


@tasks.lambda_function()
@task
def compare(event: Event) -> dict[str, int]:
    """Reads its rows of two data sets, writes the sorted candidate pairs, counts the progress.

    A chunk whose file is there already (a retry, a second attempt of the run) is only counted.
    """
    work: ChunkTask = event  # type: ignore[assignment]  # the manifest's lines are made as such
    chunk = chunk_from_dict(work["chunk"])
    bucket, key = settings().data_bucket, _key(work, chunk)
    started = time.monotonic()
    with _reason_kept(work):
        try:
            pairs = (objects.size_of(bucket, key) - len(HEADER)) // PAIR_BYTES
        except objects.NoSuchObject:
            _count_wait(work)
            pairs = _compare_and_write(work, chunk, key)
            _count_work(chunk.comparisons, pairs, time.monotonic() - started)
    milliseconds = round((time.monotonic() - started) * 1000)
    cache.count_chunk(work["run_id"], chunk.index, chunk.comparisons, pairs, milliseconds)
    return {"candidate_pairs": pairs}


def _count_wait(work: ChunkTask) -> None:
    if "planned_at" in work:
        count("ChunkWaitSeconds", max(0.0, time.time() - work["planned_at"]))


def _count_work(comparisons: int, pairs: int, seconds: float) -> None:
    count("Comparisons", comparisons)
    count("CandidatePairs", pairs)
    count("ChunkMilliseconds", seconds * 1000)
    if seconds > 0:
        count("ComparisonsPerSecond", comparisons / seconds)


@contextmanager
def _reason_kept(work: ChunkTask) -> Iterator[None]:
    # A Distributed Map fails with words of its own: what its child failed of reaches ``fail`` by S3.
    try:
        yield
    except (PermanentError, Gone) as error:
        key = layout.failure(work["project_id"], work["run_id"])
        _write(work, key, [str(error).encode()])
        raise


def _key(work: ChunkTask, chunk: Chunk | Pack) -> str:
    place = work["project_id"], work["run_id"]
    if isinstance(chunk, Pack):
        datasets, blocks = (chunk.dataset_a, chunk.dataset_b), (chunk.first, chunk.stop)
        return layout.packed_candidates(*place, datasets, blocks, chunk.comparisons)
    side_a = (chunk.dataset_a, chunk.start_a, chunk.stop_a)
    side_b = (chunk.dataset_b, chunk.start_b, chunk.stop_b)
    return layout.candidates(*place, side_a, side_b)


def _compare_and_write(work: ChunkTask, chunk: Chunk | Pack, key: str) -> int:
    rectangles = _rectangles(work, chunk)
    a = load(work["dataset_a"], [rectangle[:2] for rectangle in rectangles])
    b = load(work["dataset_b"], [rectangle[2:] for rectangle in rectangles])
    pair = chunk.dataset_a, chunk.dataset_b
    found = find_candidates(a, b, list(closed_up(rectangles)), pair, work["threshold"])
    _write(work, key, to_bytes([found]))
    return len(found)


def _rectangles(work: ChunkTask, chunk: Chunk | Pack) -> list[Rectangle]:
    if isinstance(chunk, Chunk):
        return [(chunk.start_a, chunk.stop_a, chunk.start_b, chunk.stop_b)]
    key = layout.common_blocks(work["project_id"], work["run_id"], chunk.dataset_a, chunk.dataset_b)
    start, stop = chunk.first * RECTANGLE_BYTES, chunk.stop * RECTANGLE_BYTES
    try:
        return rectangles_from_bytes(objects.get_range(settings().data_bucket, key, start, stop))
    except objects.NoSuchObject as error:
        raise Gone("the run was deleted") from error


def _write(work: ChunkTask, key: str, pieces: Iterable[bytes]) -> None:
    with undone_if_deleted(work["project_id"], work["run_id"], key):
        objects.write_stream(settings().data_bucket, key, pieces)


def find_candidates(
    a: Rows, b: Rows, rectangles: list[Rectangle], datasets: tuple[int, int], threshold: float
) -> Candidates:
    """The candidate pairs within the rectangles of rows, sorted, each once.

    Raises PermanentError when there are more than a function can hold.
    """
    found, compared, step = empty(), 0, _FIRST_STEP_COMPARISONS
    while rectangles:
        part, rectangles = split(rectangles, step)
        more = compare_blocks(
            a.encodings,
            b.encodings,
            part,
            threshold,
            dataset_a=datasets[0],
            dataset_b=datasets[1],
            records_a=a.records,
            records_b=b.records,
            workers=len(os.sched_getaffinity(0)),
        )
        found = without_repeats(sort_candidates(concatenate([found, more]))) if len(found) else more
        if len(found) > MAX_CANDIDATE_PAIRS:
            raise PermanentError(f"{TOO_MANY_PAIRS} A higher threshold makes fewer.")
        # The next step finds a quarter of what is allowed, if it is like what came before.
        compared += sum(map(area, part))
        step = max(step, compared * (MAX_CANDIDATE_PAIRS // 4) // max(1, len(found)))
    return found
