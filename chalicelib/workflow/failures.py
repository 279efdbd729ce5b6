"""Where every failure ends: the last states of the ingest and link state machines.

They import little and write to Postgres alone where they can, so that what broke the work before
them hardly breaks them too.
"""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.storage import cache, datasets, runs, uploads
from chalicelib.workflow.task import Event, reason, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def reject(event: Event) -> None:
    """Records the reason and removes what the upload left; a second call finds nothing to do."""
    upload = uploads.reject(event["upload_id"], reason("Upload", event["error"]))
    if upload is not None:
        datasets.discard(upload)


@tasks.lambda_function()
@task
def fail(event: Event) -> None:
    """Ends the run in error, with the reason; a run that has ended stays as it is."""
    runs.fail(event["run_id"], reason("Run", event["error"]))
    cache.end_run(event["run_id"])
