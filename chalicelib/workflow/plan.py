"""The first state of the link state machine: from data sets to chunks of about the same work."""

from __future__ import annotations

import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage import planning
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.projects import Dataset
from chalicelib.storage.runs import Run
from chalicelib.workflow.chunks import ChunkTask
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def plan(event: Event) -> dict[str, Any]:
    """Reads the data sets' sizes, writes the manifest of chunks, sets the run running.

    Raises PermanentError when the data sets don't fit together.
    """
    run = unfinished(event)
    project, datasets = projects.find(run.project_id), projects.datasets(run.project_id)
    _check(datasets, project.number_parties)
    counts = [dataset.count for dataset in datasets]
    total = planning.total_comparisons(counts)
    is_small = _is_small(counts, total)
    chunks = 1 if is_small else _write_manifest(run, datasets, total)
    cache.begin_run(run.run_id)
    with undone_if_gone(layout.manifest(run.project_id, run.run_id)):
        runs.begin(run.run_id, total, chunks)
    return {
        "run_id": run.run_id,
        "result_type": project.result_type,
        "is_small": is_small,
        "manifest": {
            "bucket": settings().data_bucket,
            "key": layout.manifest(run.project_id, run.run_id),
            "results_prefix": layout.map_results_prefix(run.project_id, run.run_id),
        },
    }


def _check(datasets: list[Dataset], number_parties: int) -> None:
    if len(datasets) != number_parties:
        raise PermanentError(f"{len(datasets)} of {number_parties} data sets are ready")
    sizes = sorted({dataset.encoding_size_bytes for dataset in datasets})
    if len(sizes) > 1:
        raise PermanentError(f"Mismatch in encoding sizes. Stopping: the data sets have {sizes} bytes")


def _is_small(counts: list[int], total: int) -> bool:
    s = settings()
    fits = max(counts) <= planning.MAX_CHUNK_RECORDS
    return fits and total <= s.comparisons_per_second * s.small_run_max_seconds


def _write_manifest(run: Run, datasets: list[Dataset], total: int) -> int:
    s = settings()
    size = planning.chunk_comparisons(
        total,
        comparisons_per_second=s.comparisons_per_second,
        parallelism=s.compare_concurrency,
        min_seconds=s.chunk_min_seconds,
        max_seconds=s.chunk_max_seconds,
    )
    chunks = list(planning.plan_chunks([dataset.count for dataset in datasets], size))
    lines = (json.dumps(_chunk_task(run, datasets, chunk)).encode() + b"\n" for chunk in chunks)
    objects.write_stream(s.data_bucket, layout.manifest(run.project_id, run.run_id), lines)
    return len(chunks)


def _chunk_task(run: Run, datasets: list[Dataset], chunk: planning.Chunk) -> ChunkTask:
    return {
        "project_id": run.project_id,
        "run_id": run.run_id,
        "threshold": run.threshold,
        "encoding_size_bytes": datasets[chunk.dataset_a].encoding_size_bytes,
        "upload_a": datasets[chunk.dataset_a].upload_id,
        "upload_b": datasets[chunk.dataset_b].upload_id,
        "chunk": chunk.to_dict(),
    }
