"""The purge state machine: everything of a deleted project goes.

The order is list, delete, verify, forget: the rows that tell what to delete go last, in the pass
that found nothing else. A task that was under way when the project was deleted may still write; it
looks at the mark afterwards and removes what it wrote, and so does the next pass.
"""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.storage import cache, layout, objects, projects, runs, uploads
from chalicelib.storage.runs import Run
from chalicelib.storage.uploads import Upload
from chalicelib.workflow import executions
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def purge(event: Event) -> dict[str, Any]:
    """Stops the project's executions, deletes its objects and keys, and says how many it ``found``.

    The pass that finds nothing removes the rows. Calls after that find nothing and do nothing.
    """
    project_id = event["project_id"]
    its_runs, its_uploads = runs.of_project(project_id), uploads.of_project(project_id)
    found = _stop(its_runs, its_uploads) + _delete_objects(project_id, its_runs)
    found += cache.forget_runs([run.run_id for run in its_runs]) or 0
    if found == 0:
        projects.forget(project_id)
    return {"project_id": project_id, "found": found}


def _stop(its_runs: list[Run], its_uploads: list[Upload]) -> int:
    """Stop what is under way, and note that it has ended: what was under way counts as found."""
    stopped = 0
    for run in its_runs:
        if runs.fail(run.run_id, "The project was deleted."):
            executions.stop("link", run.run_id, run.attempt)
            stopped += 1
    for upload in its_uploads:
        if uploads.reject(upload.upload_id, "The project was deleted."):
            executions.stop("ingest", upload.upload_id, upload.attempt)
            stopped += 1
    return stopped


def _delete_objects(project_id: str, its_runs: list[Run]) -> int:
    s = settings()
    for run in its_runs:
        # First: a compare function that doesn't find its manifest removes what it wrote.
        objects.delete(s.data_bucket, layout.manifest(project_id, run.run_id))
    found = objects.delete_prefix(s.data_bucket, layout.project_prefix(project_id))
    return found + objects.delete_prefix(s.upload_bucket, layout.upload_prefix(project_id))
