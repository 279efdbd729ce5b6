"""The link state machine after its comparisons: merge, solve, complete; and small runs whole. Read it
beside ``stepfunctions/link.asl.json``; ``plan``, ``compare`` and ``failures`` have modules of their own,
which import less.

Every state writes its output to S3 under a name that follows from its input, then records in
Postgres that it is done; doing so again changes nothing. What is written for a run that was
deleted meanwhile is removed by whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage import candidates, merging, planning, rendering, solving
from chalicelib.linkage.candidates import Candidates
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow.compare import TOO_MANY_PAIRS, find_candidates, load
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

_MERGE_MEMORY_BYTES = 512 * 1024 * 1024
_WINDOW_MIN_BYTES, _WINDOW_MAX_BYTES = 64 * 1024, 8 * 1024 * 1024


@tasks.lambda_function()
@task
def link_small(event: Event) -> None:
    """Does a small run whole: reads the data sets, writes the result, marks the run completed."""
    run = unfinished(event)
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
    run = unfinished(event)
    runs.record_compared(run.run_id)
    keys = list(
        objects.list_keys(settings().data_bucket, layout.candidates_prefix(run.project_id, run.run_id))
    )
    counter = _PairCounter()
    key = layout.merged(run.project_id, run.run_id)
    with undone_if_gone(key):
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
    run = unfinished(event)
    groups = _solved(candidates.from_bytes(_read(layout.merged(run.project_id, run.run_id))))
    key = layout.groups(run.project_id, run.run_id)
    with undone_if_gone(key):
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
    run = unfinished(event)
    if projects.find(run.project_id).result_type == "groups":
        groups = rendering.groups_from_bytes(_read(layout.groups(run.project_id, run.run_id)))
        _deliver(run, rendering.render_groups(groups))
    else:
        blocks = _sorted_runs([layout.merged(run.project_id, run.run_id)])[0]
        _deliver(run, rendering.render_similarity_scores(blocks))


def _deliver(run: Run, pieces: Iterator[bytes]) -> None:
    key = layout.result(run.project_id, run.run_id)
    with undone_if_gone(key):
        objects.write_stream(settings().data_bucket, key, pieces, content_type="application/json")
        runs.complete(run.run_id)
    cache.end_run(run.run_id)


def _read(key: str) -> bytes:
    return objects.get(settings().data_bucket, key)
