"""What a run of permutations must not keep: the matches, and the bits of a mask that is to be encrypted."""

from __future__ import annotations

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.storage import layout, objects, projects
from chalicelib.storage.projects import Project
from chalicelib.storage.runs import Run


def remove_what_tells_more(run: Run, project: Project) -> None:
    """Delete all but what is delivered, before the run is completed or when it has failed.

    Of plain masks the permutations stay: a state that runs again finds them, and needs none of the others.
    """
    bucket, ids = settings().data_bucket, (run.project_id, run.run_id)
    keys = [layout.groups(*ids), layout.merged(*ids), layout.merging_manifest(*ids)]
    prefixes = [layout.candidates_prefix(*ids), layout.merging_prefix(*ids)]
    if project.has_encrypted_mask:
        keys += [layout.permutation(*ids), layout.mask_manifest(*ids)]
        prefixes.append(layout.mask_prefix(*ids))
    for key in keys:
        objects.delete(layout.bucket_of(key), key)
    for prefix in prefixes:
        for key in list(objects.list_keys(bucket, prefix)):
            objects.delete(bucket, key)


def discard(run: Run) -> None:
    """Of a run that has ended in error, if it was one of permutations."""
    try:
        project = projects.find(run.project_id)
    except Gone:  # the purge sees to it
        return
    if project.has_permutations:
        remove_what_tells_more(run, project)
