"""The first state of the link state machine: from data sets to chunks of about the same work."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage import planning
from chalicelib.linkage.block_planning import Pack, plan_blocks
from chalicelib.linkage.blocking import rectangles_to_bytes
from chalicelib.linkage.planning import Chunk
from chalicelib.linkage.rectangles import area
from chalicelib.observability import count
from chalicelib.storage import cache, costs, layout, objects, projects, runs
from chalicelib.storage.ages import age_seconds
from chalicelib.storage.projects import Dataset, Project
from chalicelib.storage.runs import Run
from chalicelib.workflow.chunk_sizes import SMALL_RUN_MEMORY_MB, RunWork
from chalicelib.workflow.chunks import ChunkTask
from chalicelib.workflow.costs import charged
from chalicelib.workflow.run_data import RunData, read_run_data
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
@charged
def plan(event: Event) -> dict[str, Any]:
    """Reads the data sets' sizes and blocks, writes the manifest of chunks, sets the run running.

    Where an earlier run has compared the same at a threshold no higher, there are no chunks: its pairs
    are reused. ``event`` has ``anew`` when they turned out to be gone. Raises PermanentError when the data
    sets don't fit together.
    """
    run = unfinished(event)
    if run.state == "queued" and run.time_queued is not None:
        count("RunWaitSeconds", age_seconds(run.time_queued))
    project, datasets = projects.find(run.project_id), projects.datasets(run.project_id)
    _check(datasets, project.number_parties)
    # Runs of permutations keep no pairs.
    source = None if "anew" in event or project.has_permutations else runs.compared_before(run)
    if source is not None:
        runs.begin(run.run_id, source.total_comparisons or 0, chunks=0)
        return _planned(run, project, is_small=False, source_run_id=source.run_id)
    data = read_run_data(project, datasets)
    comparisons = {pair: sum(map(area, data.rectangles(*pair))) for pair in data.pairs()}
    total, work = sum(comparisons.values()), RunWork(data, run.threshold, comparisons)
    is_small = work.is_small and _encrypts_at_once(project, datasets)
    with undone_if_gone(*_keys(run, data)), _forgotten_if_gone(run):
        chunks = 1 if is_small else _write_manifest(run, data, work)
        cache.begin_run(run.run_id)
        cache.put_project_comparisons(run.project_id, total)
        runs.begin(run.run_id, total, chunks)
    return _planned(run, project, is_small=is_small)


def _encrypts_at_once(project: Project, datasets: list[Dataset]) -> bool:
    """Whether a mask, if there is one to encrypt, is short enough for a small run."""
    if not project.has_encrypted_mask:
        return True
    bits = min(dataset.count for dataset in datasets)
    seconds = costs.encrypting_seconds(bits, project.key_bits, SMALL_RUN_MEMORY_MB)
    return seconds <= settings().small_run_max_seconds


def _planned(run: Run, project: Project, *, is_small: bool, source_run_id: str = "") -> dict[str, Any]:
    key = layout.manifest(run.project_id, run.run_id)
    return {
        "run_id": run.run_id,
        "result_type": project.result_type,
        "is_small": is_small,
        "is_compared": source_run_id != "",
        "source_run_id": source_run_id,
        "manifest": {
            "bucket": layout.bucket_of(key),
            "key": key,
            "results_prefix": layout.map_results_prefix(run.project_id, run.run_id),
        },
    }


def _check(datasets: list[Dataset], number_parties: int) -> None:
    if len(datasets) != number_parties:
        raise PermanentError(f"{len(datasets)} of {number_parties} data sets are ready")
    sizes = sorted({dataset.encoding_size_bytes for dataset in datasets})
    if len(sizes) > 1:
        raise PermanentError(f"Mismatch in encoding sizes. Stopping: the data sets have {sizes} bytes")


def _keys(run: Run, data: RunData) -> Iterator[str]:
    yield layout.manifest(run.project_id, run.run_id)
    if data.indexes is not None:
        for pair in data.pairs():
            yield layout.common_blocks(run.project_id, run.run_id, *pair)


@contextmanager
def _forgotten_if_gone(run: Run) -> Iterator[None]:
    try:
        yield
    except Gone:
        cache.forget_runs([run.run_id])
        cache.forget_project(run.project_id)
        raise


def _write_manifest(run: Run, data: RunData, work: RunWork) -> int:
    """Returns the number of chunks. Holds none of them."""
    chunks = 0

    def lines() -> Iterator[bytes]:
        nonlocal chunks
        planned_at = time.time()
        for chunk in _plan_chunks(run, data, work):
            chunks += 1
            yield json.dumps(_chunk_task(run, data, chunk, planned_at)).encode() + b"\n"

    key = layout.manifest(run.project_id, run.run_id)
    objects.write_stream(layout.bucket_of(key), key, lines())
    return chunks


def _plan_chunks(run: Run, data: RunData, work: RunWork) -> Iterator[Chunk | Pack]:
    if data.indexes is not None:
        return _blocked_chunks(run, data, work)
    return planning.plan_chunks([dataset["stored_rows"] for dataset in data.datasets], work.chunk_size)


def _blocked_chunks(run: Run, data: RunData, work: RunWork) -> Iterator[Chunk | Pack]:
    """Writes each list of common blocks just before the chunks that refer to it."""
    index = itertools.count()
    for pair in data.pairs():
        key = layout.common_blocks(run.project_id, run.run_id, *pair)
        objects.write_stream(settings().data_bucket, key, rectangles_to_bytes(data.rectangles(*pair)))
        yield from plan_blocks(*pair, data.rectangles(*pair), work.chunk_size(*pair), index)


def _chunk_task(run: Run, data: RunData, chunk: Chunk | Pack, planned_at: float) -> ChunkTask:
    return {
        "project_id": run.project_id,
        "run_id": run.run_id,
        "threshold": run.threshold,
        "dataset_a": data.datasets[chunk.dataset_a],
        "dataset_b": data.datasets[chunk.dataset_b],
        "chunk": chunk.to_dict(),
        "planned_at": planned_at,
    }
