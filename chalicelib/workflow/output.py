"""From merged candidate pairs to a delivered result: the link state machine's solve and complete."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage import candidates, rendering, solving, solving_apart
from chalicelib.linkage.candidates import Candidates
from chalicelib.linkage.grouped_pairs import Groups
from chalicelib.linkage.solving_apart import ComponentTooLarge
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow import permuting
from chalicelib.workflow.costs import charge, charged, memory_mb
from chalicelib.workflow.result_files import GroupFile, PairFile, read_side_by_side
from chalicelib.workflow.running import undone_if_gone, unfinished
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
        _write_groups(run, _solved(run))
    except (ComponentTooLarge, MemoryError) as error:
        raise PermanentError(_TOO_LITTLE_MEMORY) from error


def solve_pairs(run: Run, pairs: Candidates) -> None:
    """Solve merged pairs that are in memory and write the groups; raises as ``solve``."""
    _check_count(len(pairs))
    _write_groups(run, solving.solve_groups(pairs))


def _solved(run: Run) -> Groups:
    bucket, key = settings().data_bucket, layout.merged(run.project_id, run.run_id)
    size_bytes = objects.size_of(bucket, key)
    pairs = len(PairFile(key, size_bytes))
    _check_count(pairs)
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


def _check_count(pairs: int) -> None:
    if pairs > settings().solver_max_candidate_pairs:
        raise PermanentError("Attempting to solve with more than the global limit of candidate pairs.")


def _write_groups(run: Run, groups: Groups) -> None:
    key = layout.groups(run.project_id, run.run_id)
    content = rendering.groups_to_bytes(groups)
    starts = range(0, len(content), objects.PART_BYTES)
    pieces = (content[start : start + objects.PART_BYTES] for start in starts)
    with undone_if_gone(key):
        objects.write_stream(settings().data_bucket, key, pieces)
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
