"""The link state machine, a function a state; ``compare`` has its own module. Read it beside
``stepfunctions/link.asl.json``.

Every state writes its output to S3 under a name that follows from its input, then records in
Postgres that it is done; doing so again changes nothing. What is written for a run that was
deleted meanwhile is removed by whoever wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage import candidates, merging, planning, rendering, solving
from chalicelib.linkage.candidates import Candidates
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.projects import Dataset
from chalicelib.storage.runs import Run
from chalicelib.workflow.compare import TOO_MANY_PAIRS, ChunkTask, find_candidates, load
from chalicelib.workflow.task import Event, reason, task

tasks = Blueprint(__name__)

_MERGE_MEMORY_BYTES = 512 * 1024 * 1024
_WINDOW_MIN_BYTES, _WINDOW_MAX_BYTES = 64 * 1024, 8 * 1024 * 1024


@tasks.lambda_function()
@task
def plan(event: Event) -> dict[str, Any]:
    """Reads the data sets' sizes, writes the manifest of chunks, sets the run running.

    Raises PermanentError when the data sets don't fit together.
    """
    run = _unfinished(event)
    project, datasets = projects.find(run.project_id), projects.datasets(run.project_id)
    _check(datasets, project.number_parties)
    counts = [dataset.count for dataset in datasets]
    total = planning.total_comparisons(counts)
    is_small = _is_small(counts, total)
    chunks = 1 if is_small else _write_manifest(run, datasets, total)
    cache.begin_run(run.run_id)
    with _undone_if_gone(layout.manifest(run.project_id, run.run_id)):
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


@tasks.lambda_function()
@task
def link_small(event: Event) -> None:
    """Does a small run whole: reads the data sets, writes the result, marks the run completed."""
    run = _unfinished(event)
    project, datasets = projects.find(run.project_id), projects.datasets(run.project_id)
    encodings = [
        load(run.project_id, dataset.upload_id, dataset.encoding_size_bytes, 0, dataset.count)
        for dataset in datasets
    ]
    # One chunk a pair of data sets: a small run's fit.
    largest = max(dataset.count for dataset in datasets)
    chunks = planning.plan_chunks([dataset.count for dataset in datasets], largest * largest)
    found = [
        find_candidates(
            encodings[chunk.dataset_a][chunk.start_a : chunk.stop_a],
            encodings[chunk.dataset_b][chunk.start_b : chunk.stop_b],
            chunk,
            run.threshold,
        )
        for chunk in chunks
    ]
    runs.record_compared(run.run_id)
    pairs = candidates.sort_candidates(candidates.concatenate(found))
    runs.record_merged(run.run_id, len(pairs))
    _deliver(run, _rendered_small(run, project.result_type, pairs))


def _rendered_small(run: Run, result_type: str, pairs: Candidates) -> Iterator[bytes]:
    if result_type == "similarity_scores":
        return rendering.render_similarity_scores([pairs])
    groups = _solved(pairs)
    runs.record_solved(run.run_id)
    return rendering.render_groups(groups)


@tasks.lambda_function()
@task
def merge(event: Event) -> None:
    """Reads every chunk's candidate file, writes ``merged.bin``: sorted, each pair once.

    Raises PermanentError when there are more pairs than this service delivers.
    """
    run = _unfinished(event)
    runs.record_compared(run.run_id)
    keys = list(
        objects.list_keys(settings().data_bucket, layout.candidates_prefix(run.project_id, run.run_id))
    )
    counter = _PairCounter()
    key = layout.merged(run.project_id, run.run_id)
    with _undone_if_gone(key):
        merged = counter.counted(merging.merge_candidates(_sorted_runs(keys)))
        objects.write_stream(settings().data_bucket, key, candidates.to_bytes(merged))
        runs.record_merged(run.run_id, counter.pairs)


def _sorted_runs(keys: list[str]) -> list[Iterator[Candidates]]:
    share = _MERGE_MEMORY_BYTES // max(1, len(keys))
    window = min(_WINDOW_MAX_BYTES, max(_WINDOW_MIN_BYTES, share))
    bucket = settings().data_bucket
    return [
        candidates.read_blocks(objects.read_windows(bucket, key, window), window // candidates.PAIR_BYTES)
        for key in keys
    ]


class _PairCounter:
    """Counts the pairs that pass, and stops a run that has too many."""

    def __init__(self) -> None:
        self.pairs = 0

    def counted(self, blocks: Iterator[Candidates]) -> Iterator[Candidates]:
        for block in blocks:
            self.pairs += len(block)
            if self.pairs > settings().similarity_scores_max_candidate_pairs:
                raise PermanentError(TOO_MANY_PAIRS)
            yield block


@tasks.lambda_function()
@task
def solve(event: Event) -> None:
    """Reads ``merged.bin``, writes ``groups.bin``.

    Raises PermanentError when there are more pairs than can be solved.
    """
    run = _unfinished(event)
    groups = _solved(candidates.from_bytes(_read(layout.merged(run.project_id, run.run_id))))
    key = layout.groups(run.project_id, run.run_id)
    with _undone_if_gone(key):
        objects.write_stream(settings().data_bucket, key, [rendering.groups_to_bytes(groups)])
        runs.record_solved(run.run_id)


def _solved(pairs: Candidates) -> list[list[tuple[int, int]]]:
    if len(pairs) > settings().solver_max_candidate_pairs:
        raise PermanentError("Attempting to solve with more than the global limit of candidate pairs.")
    return solving.solve_groups(pairs)


@tasks.lambda_function()
@task
def complete(event: Event) -> None:
    """Reads the groups or the merged candidate pairs, writes the result as clients get it,
    marks the run completed."""
    run = _unfinished(event)
    if projects.find(run.project_id).result_type == "groups":
        groups = rendering.groups_from_bytes(_read(layout.groups(run.project_id, run.run_id)))
        _deliver(run, rendering.render_groups(groups))
    else:
        blocks = _sorted_runs([layout.merged(run.project_id, run.run_id)])[0]
        _deliver(run, rendering.render_similarity_scores(blocks))


def _deliver(run: Run, pieces: Iterator[bytes]) -> None:
    key = layout.result(run.project_id, run.run_id)
    with _undone_if_gone(key):
        objects.write_stream(settings().data_bucket, key, pieces, content_type="application/json")
        runs.complete(run.run_id)
    cache.end_run(run.run_id)


@tasks.lambda_function()
@task
def fail(event: Event) -> None:
    """Ends the run in error, with the reason; a run that ended or was deleted stays as it is."""
    if event["error"]["Error"] != Gone.__name__:
        runs.fail(event["run_id"], reason("Run", event["error"]))
    cache.end_run(event["run_id"])


def _unfinished(event: Event) -> Run:
    run = runs.find(event["run_id"])
    if run.state not in ("queued", "running"):
        raise Gone(f"run {run.run_id} is {run.state}")
    return run


def _read(key: str) -> bytes:
    return objects.get(settings().data_bucket, key)


@contextmanager
def _undone_if_gone(key: str) -> Iterator[None]:
    try:
        yield
    except Gone:
        objects.delete(settings().data_bucket, key)
        raise
