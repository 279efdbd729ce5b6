"""Permutations: the link state machine's permute, and what is delivered of it to whom.

The permutations are drawn at random, so no call may draw them again once a party may have seen its own:
they are written once, all in one object, and whoever comes later uses what is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.linkage import permutation, rendering
from chalicelib.storage import layout, objects, projects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow.costs import charged
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
@charged
def permute(event: Event) -> None:
    """Reads ``groups.bin``, writes ``permutation.bin`` unless it is there already."""
    draw_permutations(unfinished(event))


def draw_permutations(run: Run) -> None:
    """Write the run's permutations, if no call has done so before."""
    bucket, key = settings().data_bucket, layout.permutation(run.project_id, run.run_id)
    with undone_if_gone(key):
        if not objects.exists(bucket, key):
            groups = objects.get(bucket, layout.groups(run.project_id, run.run_id))
            first, second = projects.datasets(run.project_id)
            drawn = permutation.permute(rendering.pairs_from_bytes(groups), (first.count, second.count))
            objects.put_new(bucket, key, permutation.to_bytes(drawn))
        runs.record_permuted(run.run_id)


def deliveries(run: Run) -> dict[str, Iterator[bytes]]:
    """What is to be written under which key: the mask for the owner, to each party its permutation.

    Draws the permutations, where no state of its own has.
    """
    draw_permutations(run)
    key = layout.permutation(run.project_id, run.run_id)
    drawn = permutation.from_bytes(objects.get(settings().data_bucket, key))
    parties = {
        layout.permutation_result(run.project_id, run.run_id, i): rendering.render_permutation(
            positions, len(drawn.mask)
        )
        for i, positions in enumerate(drawn.permutations)
    }
    return {layout.result(run.project_id, run.run_id): rendering.render_mask(drawn.mask), **parties}


def remove_what_tells_more(run: Run) -> None:
    """Delete the matches themselves, which nobody is to learn, before the run is completed.

    A state that runs again finds the permutations and needs none of these.
    """
    bucket, ids = settings().data_bucket, (run.project_id, run.run_id)
    for key in (layout.groups(*ids), layout.merged(*ids), layout.merging_manifest(*ids)):
        objects.delete(layout.bucket_of(key), key)
    for prefix in (layout.candidates_prefix(*ids), layout.merging_prefix(*ids)):
        for key in list(objects.list_keys(bucket, prefix)):
            objects.delete(bucket, key)
