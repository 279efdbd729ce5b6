"""The link state machine's small runs, whole, and its runs that reuse another's pairs.

Read it beside ``stepfunctions/link.asl.json``; ``plan``, ``compare``, ``merge``, ``output`` (solve, complete)
and ``failures`` have modules of their own.

Every state writes its output to S3 under a name that follows from its input, then records in
Postgres that it is done; doing so again changes nothing. What is written for a run that was
deleted meanwhile is removed by whoever wrote it.
"""

from __future__ import annotations

import time

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import NothingToReuse
from chalicelib.linkage import candidates, solving
from chalicelib.linkage.candidates import Candidates
from chalicelib.observability import count
from chalicelib.storage import layout, objects, projects, runs
from chalicelib.storage.projects import Project
from chalicelib.storage.runs import Run
from chalicelib.workflow.compare import find_candidates
from chalicelib.workflow.costs import charged
from chalicelib.workflow.output import Linked, check_count, deliver, write_groups
from chalicelib.workflow.result_files import PairFile
from chalicelib.workflow.run_data import RunData, read_run_data
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.stored_rows import load
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


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
    pairs = candidates.sort_candidates(candidates.concatenate(found))
    count("Comparisons", run.total_comparisons or 0)
    count("CandidatePairs", len(pairs))
    _finish(run, project, pairs)


def _finish(run: Run, project: Project, pairs: Candidates) -> None:
    """Write everything that a run has, and then say so at once."""
    ids, reached = (run.project_id, run.run_id), {"time_compared": time.monotonic()}
    groups = None
    with undone_if_gone(layout.merged(*ids), layout.groups(*ids)):
        objects.write_stream(settings().data_bucket, layout.merged(*ids), candidates.to_bytes([pairs]))
        reached["time_merged"] = time.monotonic()
        if project.result_type != "similarity_scores":
            check_count(len(pairs))
            groups = solving.solve_groups(pairs)
            write_groups(run, groups)
            reached["time_solved"] = time.monotonic()
        deliver(run, project, Linked(pairs, groups, reached))


def _find_all(data: RunData, threshold: float) -> list[Candidates]:
    rows = [load(dataset, [(0, dataset["stored_rows"])]) for dataset in data.datasets]
    return [
        find_candidates(rows[a], rows[b], list(data.rectangles(a, b)), (a, b), threshold)
        for a, b in data.pairs()
    ]


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
