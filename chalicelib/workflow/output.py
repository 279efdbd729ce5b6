"""From merged candidate pairs to a delivered result: the link state machine's solve and complete."""

from __future__ import annotations

from collections.abc import Iterator

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage import candidates, rendering, solving
from chalicelib.linkage.candidates import Candidates
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow import permuting
from chalicelib.workflow.costs import charge, charged
from chalicelib.workflow.result_files import GroupFile, PairFile
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
@charged
def solve(event: Event) -> None:
    """Reads ``merged.bin``, writes ``groups.bin``.

    Raises PermanentError when there are more pairs than can be solved.
    """
    run = unfinished(event)
    merged = objects.get(settings().data_bucket, layout.merged(run.project_id, run.run_id))
    solve_pairs(run, candidates.from_bytes(merged))


def solve_pairs(run: Run, pairs: Candidates) -> None:
    """Solve merged pairs and write the groups; raises as ``solve``."""
    if len(pairs) > settings().solver_max_candidate_pairs:
        raise PermanentError("Attempting to solve with more than the global limit of candidate pairs.")
    groups = solving.solve_groups(pairs)
    key = layout.groups(run.project_id, run.run_id)
    with undone_if_gone(key):
        objects.write_stream(settings().data_bucket, key, [rendering.groups_to_bytes(groups)])
        runs.record_solved(run.run_id)


@tasks.lambda_function()
@task
@charged
def complete(event: Event) -> None:
    """Renders the result as clients get it, marks the run completed."""
    deliver(unfinished(event))


def deliver(run: Run) -> None:
    """Write what is delivered, by the project's result type, and complete the run."""
    result_type = projects.find(run.project_id).result_type
    deliveries = permuting.deliveries(run) if result_type == "permutations" else _deliveries(run, result_type)
    with undone_if_gone(*deliveries):
        for key, pieces in deliveries.items():
            objects.write_stream(settings().data_bucket, key, pieces, content_type="application/json")
        if result_type == "permutations":
            permuting.remove_what_tells_more(run)
        charge(run.run_id)
        runs.complete(run.run_id)
    cache.end_run(run.run_id)


def _deliveries(run: Run, result_type: str) -> dict[str, Iterator[bytes]]:
    """What is to be written under which key, for the owner alone."""
    if result_type == "groups":
        groups = GroupFile(layout.groups(run.project_id, run.run_id))
        pieces = rendering.render_groups(groups.blocks())
    else:
        pairs = PairFile(layout.merged(run.project_id, run.run_id))
        pieces = rendering.render_similarity_scores(pairs.blocks())
    return {layout.result(run.project_id, run.run_id): pieces}
