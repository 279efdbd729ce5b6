"""Where every failure ends: the last states of the ingest and link state machines.

They import little and write to Postgres alone where they can, so that what broke the work before
them hardly breaks them too.
"""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.observability import count, identify
from chalicelib.storage import cache, datasets, layout, objects, runs, uploads
from chalicelib.storage.runs import Run
from chalicelib.workflow.costs import charged
from chalicelib.workflow.secret_objects import discard
from chalicelib.workflow.task import Event, is_foreseen, reason, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def reject(event: Event) -> None:
    """Records the reason and removes what the upload left; a second call finds nothing to do."""
    upload = uploads.reject(event["upload_id"], reason("Upload", event["error"]))
    if upload is not None:
        identify(project_id=upload.project_id)
        count("UploadsRefused" if is_foreseen(event["error"]) else "UploadsFailed")
        datasets.discard(upload)


@tasks.lambda_function()
@task
@charged
def fail(event: Event) -> None:
    """Ends the run in error, with the reason; a run that has ended or was deleted stays as it is."""
    cache.end_run(event["run_id"])
    try:
        run = runs.find(event["run_id"])
    except Gone:
        return
    identify(project_id=run.project_id)
    told = _reason_of_a_chunk(run)
    if runs.fail(run.run_id, told or reason("Run", event["error"])):
        count("RunsRefused" if told or is_foreseen(event["error"]) else "RunsFailed")
    discard(run)


def _reason_of_a_chunk(run: Run) -> str | None:
    try:
        return objects.get(settings().data_bucket, layout.failure(run.project_id, run.run_id)).decode()
    except objects.NoSuchObject:
        return None
