"""Nothing hangs: work that says it is under way is compared with its execution.

An execution can vanish without its last state ever running: stopped from outside, its emulator
killed, its history expired. Then the work is started again under the next attempt's name, and ends
in error when its attempts are used up. Called on a schedule, at every start of the embedded stack,
and for one run when its status looks stale.
"""

from __future__ import annotations

from collections.abc import Callable

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.observability import count, logger
from chalicelib.storage import ages, datasets, deleted_runs, projects, runs, uploads
from chalicelib.storage.runs import Run
from chalicelib.storage.uploads import Upload
from chalicelib.workflow import executions
from chalicelib.workflow.executions import Work
from chalicelib.workflow.secret_objects import discard
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

_VANISHED = "{} failed with an internal server error: its execution ended {} times without a result."


@tasks.lambda_function()
@task
def reconcile(_event: Event) -> dict[str, int]:
    """Looks at all work under way; starts again or ends what has no execution. Safe to repeat.

    Tells how old the oldest is, before anything here can fail.
    """
    oldest = ages.oldest()
    count("OldestUploadSeconds", oldest.upload)
    count("OldestRunSeconds", oldest.run)
    count("OldestPurgeSeconds", oldest.purge)
    waiting = runs.waiting_projects()
    for project_id in waiting:
        executions.start_waiting_runs(project_id)
    unfinished_runs, unfinished_uploads = runs.unfinished(), uploads.unfinished()
    for run in unfinished_runs:
        reconcile_run(run)
    for upload in unfinished_uploads:
        _reconcile_upload(upload)
    projects_to_go, runs_to_go = projects.marked_deleted(), deleted_runs.marked()
    for project_id, attempt in projects_to_go:
        _reconcile_purge("purge_project", project_id, attempt, projects.next_purge_attempt)
    for run_id, attempt in runs_to_go:
        _reconcile_purge("purge_run", run_id, attempt, deleted_runs.next_purge_attempt)
    return {
        "waiting": len(waiting),
        "runs": len(unfinished_runs),
        "uploads": len(unfinished_uploads),
        "purges": len(projects_to_go) + len(runs_to_go),
    }


def reconcile_run(run: Run) -> None:
    """Take up or end a queued or running run whose execution isn't there (any more)."""
    fate = executions.look_up("link", run.run_id, run.attempt)
    if fate == "missing":
        # Never started, or the emulator lost it: under the same name, starting twice is harmless.
        executions.start("link", run.run_id, run.attempt)
    elif fate == "ended" and _is_still_under_way(run):
        _take_up_run(run)


def _is_still_under_way(run: Run) -> bool:
    # The execution may have ended, and recorded it, since the row was read.
    try:
        now = runs.find(run.run_id)
    except Gone:
        return False
    return now.state in ("queued", "running") and now.attempt == run.attempt


def _take_up_run(run: Run) -> None:
    if run.attempt >= settings().run_max_attempts:
        if runs.fail(run.run_id, _VANISHED.format("Run", run.attempt)):
            count("RunsFailed")
            discard(run)
    elif runs.next_attempt(run.run_id, run.attempt):
        _start_again("link", run.run_id, run.attempt)


def _reconcile_upload(upload: Upload) -> None:
    fate = executions.look_up("ingest", upload.upload_id, upload.attempt)
    if fate == "missing":
        executions.start("ingest", upload.upload_id, upload.attempt)
    elif fate == "ended":
        if upload.attempt >= settings().run_max_attempts:
            if uploads.reject(upload.upload_id, _VANISHED.format("Upload", upload.attempt)):
                count("UploadsFailed")
                datasets.discard(upload)
        elif uploads.next_attempt(upload.upload_id, upload.attempt):
            _start_again("ingest", upload.upload_id, upload.attempt)


def _reconcile_purge(
    work: Work, subject_id: str, attempt: int, next_attempt: Callable[[str, int], bool]
) -> None:
    # A purge is never given up: what was promised to be deleted will be.
    fate = executions.look_up(work, subject_id, attempt)
    if fate == "missing":
        executions.start(work, subject_id, attempt)
    elif fate == "ended" and next_attempt(subject_id, attempt):
        _start_again(work, subject_id, attempt)


def _start_again(work: Work, subject_id: str, attempt: int) -> None:
    fields = {"work": work, "subject": subject_id, "attempt": attempt}
    logger.warning("an execution ended without a result", extra=fields)
    executions.start(work, subject_id, attempt + 1)
