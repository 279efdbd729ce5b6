"""From merged candidate pairs to a delivered result: the link state machine's solve and complete."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage import candidates, rendering, solving, solving_apart
from chalicelib.linkage.candidates import Candidates
from chalicelib.linkage.grouped_pairs import Groups
from chalicelib.linkage.solving_apart import ComponentTooLarge
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.projects import Project
from chalicelib.storage.runs import Run
from chalicelib.workflow import costs, permuting
from chalicelib.workflow.costs import charged, memory_mb
from chalicelib.workflow.result_files import GroupFile, PairFile, read_side_by_side
from chalicelib.workflow.run_figures import count_completed
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.secret_objects import remove_what_tells_more
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

# Besides pairs and groups: 80 MB for the process, as much for windows read ahead and parts under way, and a
# reserve.
OWN_BYTES = 256 * 2**20
_MOST_PORTIONS = 20  # each reads all pairs again: of 100 million in half a minute

_TOO_LITTLE_MEMORY = (
    "Solving the candidate pairs of this run takes more memory than there is. A higher threshold makes fewer."
)


@tasks.lambda_function()
@task
@charged
def solve(event: Event) -> None:
    """Reads ``merged.bin``, writes ``groups.bin``.

    Where the pairs may not fit in this function's memory they are read several times, and solved in
    portions that fit. Raises PermanentError when there are more pairs than can be solved.
    """
    run = unfinished(event)
    try:
        groups = _solved(run)
        with undone_if_gone(layout.groups(run.project_id, run.run_id)):
            write_groups(run, groups)
            runs.record_solved(run.run_id)
    except (ComponentTooLarge, MemoryError) as error:
        raise PermanentError(_TOO_LITTLE_MEMORY) from error


def _solved(run: Run) -> Groups:
    bucket, key = settings().data_bucket, layout.merged(run.project_id, run.run_id)
    size_bytes = objects.size_of(bucket, key)
    pairs = len(PairFile(key, size_bytes))
    check_count(pairs)
    lengths = [dataset.count for dataset in projects.datasets(run.project_id)]
    pair_bytes = solving.bytes_a_pair(len(lengths))
    room = memory_mb() * 2**20 - OWN_BYTES
    if pairs * pair_bytes.apart <= room:
        return solving.solve_groups(candidates.from_bytes(objects.get(bucket, key)))
    room -= sum(lengths) * solving_apart.BYTES_A_RECORD
    most_pairs = room // pair_bytes.apart
    if most_pairs * _MOST_PORTIONS < pairs:
        raise PermanentError(_TOO_LITTLE_MEMORY)
    with ThreadPoolExecutor(1) as pool:
        return solving_apart.solve_apart(
            lambda: read_side_by_side([(key, size_bytes)], pool)[0],
            lengths,
            most_pairs,
            room // pair_bytes.together,
        )


def check_count(pairs: int) -> None:
    """Raises PermanentError for more pairs than this service solves."""
    if pairs > settings().solver_max_candidate_pairs:
        raise PermanentError("Attempting to solve with more than the global limit of candidate pairs.")


def write_groups(run: Run, groups: Groups) -> None:
    """Write ``groups.bin``, in pieces. It is for the caller to look whether the run is still there."""
    content = rendering.groups_to_bytes(groups)
    starts = range(0, len(content), objects.PART_BYTES)
    pieces = (content[start : start + objects.PART_BYTES] for start in starts)
    objects.write_stream(settings().data_bucket, layout.groups(run.project_id, run.run_id), pieces)


@tasks.lambda_function()
@task
@charged
def complete(event: Event) -> None:
    """Renders the result as clients get it, marks the run completed."""
    run = unfinished(event)
    project = projects.find(run.project_id)
    if project.has_encrypted_mask:
        costs.record_encrypted(run, project)
    deliver(run, project)


@dataclass(frozen=True)
class Linked:
    """A run that one call has linked: what it holds, and by columns of ``runs`` when it got so far, by
    ``time.monotonic``."""

    pairs: Candidates
    groups: Groups | None
    reached: dict[str, float]


def deliver(run: Run, project: Project, linked: Linked | None = None) -> None:
    """Write what is delivered and complete the run; what is not ``linked`` in this call is read."""
    if project.has_permutations:
        deliveries = permuting.deliveries(run, project)
    else:
        content = _rendered(run, project.result_type, linked)
        deliveries = {layout.result(run.project_id, run.run_id): content}
    with undone_if_gone(*deliveries):
        for key, pieces in deliveries.items():
            objects.write_stream(settings().data_bucket, key, pieces, content_type="application/json")
        if project.has_permutations:
            remove_what_tells_more(run, project)
        if linked is None:
            completed = costs.complete(run.run_id)
        else:
            ago = {column: time.monotonic() - reached for column, reached in linked.reached.items()}
            completed = costs.complete(run.run_id, len(linked.pairs), ago)
    count_completed(completed)
    cache.end_run(run.run_id)


def _rendered(run: Run, result_type: str, linked: Linked | None) -> Iterator[bytes]:
    """For the owner alone."""
    ids = run.project_id, run.run_id
    if result_type == "groups":
        groups = linked.groups if linked else None
        return rendering.render_groups(
            GroupFile(layout.groups(*ids)).blocks() if groups is None else [groups]
        )
    pairs = [linked.pairs] if linked else PairFile(layout.merged(*ids)).blocks()
    return rendering.render_similarity_scores(pairs)
