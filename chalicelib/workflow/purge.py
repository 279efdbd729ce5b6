"""The purge state machine: everything of a deleted project or run goes.

The order is list, delete, verify, forget: the rows that tell what to delete go last, in the pass
that found nothing else. A task that was under way at the deletion may still write; it looks at the
mark afterwards and removes what it wrote, and so does the next pass.
"""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.observability import count, identify
from chalicelib.storage import cache, deleted_runs, layout, objects, projects, runs, uploads
from chalicelib.storage.runs import Run
from chalicelib.storage.uploads import Upload
from chalicelib.workflow import executions
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def purge(event: Event) -> dict[str, int]:
    """Purges the project or the run that ``event`` names, and says how many things it ``found``.

    One pass stops the executions and deletes the objects and keys. The pass that finds nothing removes
    the rows, and looks once more: what was written in between goes as well, but is counted as left.
    Calls after that find nothing and do nothing.
    """
    found = _purge_run(event["run_id"]) if "run_id" in event else _purge_project(event["project_id"])
    return {"found": found}


def _purge_project(project_id: str) -> int:
    its_runs, its_uploads = runs.of_project(project_id), uploads.of_project(project_id)
    providers = projects.data_providers(project_id)
    found = _stop_runs(its_runs, "The project was deleted.") + _stop_uploads(its_uploads)
    found += _delete_objects(project_id, its_runs)
    found += cache.forget_runs([run.run_id for run in its_runs]) or 0
    found += cache.forget_encodings([provider.dp_id for provider in providers]) or 0
    found += cache.forget_project(project_id) or 0
    if found == 0:
        projects.forget(project_id)
        count("ObjectsLeft", _delete_objects(project_id, []))
    return found


def _purge_run(run_id: str) -> int:
    run = deleted_runs.find(run_id)
    if run is None:  # the purge of its project was here
        return 0
    identify(project_id=run.project_id)
    prefix = layout.run_prefix(run.project_id, run_id)
    found = _stop_runs([run], "The run was deleted.")
    _delete_manifest(run)
    found += _delete_everywhere(prefix)
    found += cache.forget_runs([run_id]) or 0
    if found == 0:
        deleted_runs.forget(run_id)
        count("ObjectsLeft", _delete_everywhere(prefix))
    return found


def _stop_runs(its_runs: list[Run], message: str) -> int:
    """Stop what is under way, and note that it has ended: what was under way counts as found."""
    stopped = 0
    for run in its_runs:
        if runs.fail(run.run_id, message):
            executions.stop("link", run.run_id, run.attempt)
            stopped += 1
    return stopped


def _stop_uploads(its_uploads: list[Upload]) -> int:
    stopped = 0
    for upload in its_uploads:
        if uploads.reject(upload.upload_id, "The project was deleted."):
            executions.stop("ingest", upload.upload_id, upload.attempt)
            stopped += 1
    return stopped


def _delete_objects(project_id: str, its_runs: list[Run]) -> int:
    for run in its_runs:
        _delete_manifest(run)
    found = _delete_everywhere(layout.project_prefix(project_id))
    return found + objects.delete_prefix(settings().upload_bucket, layout.upload_prefix(project_id))


def _delete_manifest(run: Run) -> None:
    """Before all else: a compare function that doesn't find its manifest removes what it wrote."""
    key = layout.manifest(run.project_id, run.run_id)
    objects.delete(layout.bucket_of(key), key)


def _delete_everywhere(prefix: str) -> int:
    return sum(objects.delete_prefix(bucket, prefix) for bucket in layout.project_buckets())
