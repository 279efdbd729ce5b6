"""The link state machine's merge and reuse, and small runs whole.

Read it beside ``stepfunctions/link.asl.json``; ``plan``, ``compare``, ``output`` (solve, complete) and
``failures`` have modules of their own.

Every state writes its output to S3 under a name that follows from its input, then records in
Postgres that it is done; doing so again changes nothing. What is written for a run that was
deleted meanwhile is removed by whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import NothingToReuse, PermanentError
from chalicelib.linkage import candidates, merging
from chalicelib.linkage.candidates import Candidates
from chalicelib.storage import layout, objects, projects, runs
from chalicelib.workflow.compare import TOO_MANY_PAIRS, find_candidates
from chalicelib.workflow.costs import charged, record_compared
from chalicelib.workflow.output import deliver, read_candidates, solve_pairs
from chalicelib.workflow.result_files import PairFile
from chalicelib.workflow.run_data import RunData, read_run_data
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.stored_rows import load
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

_MERGE_MEMORY_BYTES = 512 * 1024 * 1024
_WINDOW_MIN_BYTES, _WINDOW_MAX_BYTES = 64 * 1024, 8 * 1024 * 1024


@tasks.lambda_function()
@task
@charged
def link_small(event: Event) -> None:
    """Does a small run whole: reads the data sets, writes the result, marks the run completed."""
    run = unfinished(event)
    project, datasets = projects.find(run.project_id), projects.datasets(run.project_id)
    found: list[Candidates] = []
    if run.total_comparisons:  # else the data sets may be of any size
        found = _find_all(read_run_data(project, datasets), run.threshold)
    runs.record_compared(run.run_id)
    pairs = candidates.sort_candidates(candidates.concatenate(found))
    key = layout.merged(run.project_id, run.run_id)
    with undone_if_gone(key):
        objects.write_stream(settings().data_bucket, key, candidates.to_bytes([pairs]))
        runs.record_merged(run.run_id, len(pairs))
    if project.result_type != "similarity_scores":
        solve_pairs(run, pairs)
    deliver(run)


def _find_all(data: RunData, threshold: float) -> list[Candidates]:
    rows = [load(dataset, [(0, dataset["stored_rows"])]) for dataset in data.datasets]
    return [
        find_candidates(rows[a], rows[b], list(data.rectangles(a, b)), (a, b), threshold)
        for a, b in data.pairs()
    ]


@tasks.lambda_function()
@task
@charged
def merge(event: Event) -> None:
    """Reads every chunk's candidate file, writes ``merged.bin``: sorted, each pair once.

    Raises PermanentError when there are more pairs than this service delivers.
    """
    run = unfinished(event)
    record_compared(run)
    keys = list(
        objects.list_keys(settings().data_bucket, layout.candidates_prefix(run.project_id, run.run_id))
    )
    counter = _PairCounter()
    key = layout.merged(run.project_id, run.run_id)
    with undone_if_gone(key):
        merged = counter.counted(merging.merge_candidates(_sorted_runs(keys)))
        objects.write_stream(settings().data_bucket, key, candidates.to_bytes(merged))
        runs.record_merged(run.run_id, counter.pairs)


@tasks.lambda_function()
@task
@charged
def reuse(event: Event) -> None:
    """Reads ``merged.bin`` of the run ``source_run_id``, writes that of ``run_id``: the pairs that score its
    threshold, which are the first ones.

    The pairs become the run's own, so that deleting either run leaves the other whole. Raises
    NothingToReuse when the source was deleted.
    """
    run = unfinished(event)
    key = layout.merged(run.project_id, run.run_id)
    try:
        pairs = PairFile(layout.merged(run.project_id, event["source_run_id"]))
        count = pairs.count_from(run.threshold)
        with undone_if_gone(key):
            objects.write_stream(settings().data_bucket, key, candidates.to_bytes(pairs.blocks(0, count)))
            runs.record_compared(run.run_id)
            runs.record_merged(run.run_id, count)
    except objects.NoSuchObject as error:
        raise NothingToReuse(f"the pairs of run {event['source_run_id']} are gone") from error


def _sorted_runs(keys: list[str]) -> list[Iterator[Candidates]]:
    share = _MERGE_MEMORY_BYTES // max(1, len(keys))
    window = min(_WINDOW_MAX_BYTES, max(_WINDOW_MIN_BYTES, share))
    return [read_candidates(key, window) for key in keys]


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
