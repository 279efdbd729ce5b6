"""Permutations: the link state machine's permute, and what is delivered of it to whom.

The permutations are drawn at random, so no call may draw them again once a party may have seen its own:
they are written once, all in one object, and whoever comes later uses what is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Ended
from chalicelib.linkage import permutation, rendering
from chalicelib.storage import layout, objects, projects, runs
from chalicelib.storage.projects import Project
from chalicelib.storage.runs import Run
from chalicelib.workflow import masking
from chalicelib.workflow.costs import charged
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
@charged
def permute(event: Event) -> dict[str, str]:
    """Reads ``groups.bin``, writes ``permutation.bin`` unless it is there already.

    If the mask is to be encrypted, also writes the manifest of its slices.
    """
    run = unfinished(event)
    project = projects.find(run.project_id)
    draw_permutations(run, project)
    if project.has_encrypted_mask:
        masking.plan(run, project)
    return {"manifest_key": layout.mask_manifest(run.project_id, run.run_id)}


def draw_permutations(run: Run, project: Project) -> None:
    """Write the run's permutations, if no call has done so before."""
    bucket, key = settings().data_bucket, layout.permutation(run.project_id, run.run_id)
    first, second = projects.datasets(run.project_id)
    counts = first.count, second.count
    with undone_if_gone(key):
        if not objects.exists(bucket, key):
            groups = objects.get(bucket, layout.groups(run.project_id, run.run_id))
            drawn = permutation.permute(rendering.pairs_from_bytes(groups), counts)
            objects.put_new(bucket, key, permutation.to_bytes(drawn))
        try:
            runs.record_permuted(run.run_id, min(counts) if project.has_encrypted_mask else None)
        except Ended:
            if project.has_encrypted_mask:  # whoever ended it has removed the mask, and this one is another
                objects.delete(bucket, key)
            raise


def deliveries(run: Run, project: Project) -> dict[str, Iterator[bytes]]:
    """What is to be written under which key: to each party its permutation, and the mask for the owner or,
    encrypted, for both parties.

    Draws the permutations, and encrypts the mask, as far as no states of their own have.
    """
    ids = run.project_id, run.run_id
    keys = [layout.permutation_result(*ids, i) for i in (0, 1)]
    if project.has_encrypted_mask and _are_written(keys):
        return {}
    draw_permutations(run, project)
    drawn = permutation.from_bytes(objects.get(settings().data_bucket, layout.permutation(*ids)))
    rows = len(drawn.mask)
    if project.has_encrypted_mask:
        masking.encrypt_here(run, project)
        context = project.paillier_context
        return {
            key: rendering.render_encrypted(positions, rows, masking.read_slices(run, rows), context)
            for key, positions in zip(keys, drawn.permutations, strict=True)
        }
    parties = {
        key: rendering.render_permutation(positions, rows)
        for key, positions in zip(keys, drawn.permutations, strict=True)
    }
    return {layout.result(*ids): rendering.render_mask(drawn.mask), **parties}


def _are_written(keys: list[str]) -> bool:
    """By a call that was cut off when it had removed what they were made of."""
    return all(objects.exists(settings().data_bucket, key) for key in keys)
