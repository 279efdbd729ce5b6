"""Starting, looking up and stopping executions; the names say what they work for.

An execution is named after its upload, run or project, so that starting it twice is harmless. A
later attempt gets a suffix, since Step Functions reserves a name for 90 days. The input depends
on the id alone: the same name with another input would be an error.
"""

from __future__ import annotations

import json
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import settings
from chalicelib.errors import StoreUnavailable
from chalicelib.storage import runs
from chalicelib.storage.clients import step_functions

Work = Literal["ingest", "link", "purge_project", "purge_run"]
Fate = Literal["missing", "running", "ended"]

# The state machine of each kind of work, and what its input calls the subject.
_WORK: dict[Work, tuple[str, str]] = {
    "ingest": ("ingest", "upload_id"),
    "link": ("link", "run_id"),
    "purge_project": ("purge", "project_id"),
    "purge_run": ("purge", "run_id"),
}
_RUNNING = ("RUNNING", "PENDING_REDRIVE")


def start(work: Work, subject_id: str, attempt: int = 1) -> None:
    """Start the execution for a subject, unless it was started before.

    Raises StoreUnavailable when Step Functions can't be reached.
    """
    machine, subject = _WORK[work]
    try:
        step_functions().start_execution(
            stateMachineArn=settings().state_machine_arn_prefix + machine,
            name=_name(subject_id, attempt),
            input=json.dumps({subject: subject_id}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise StoreUnavailable("The workflow service is not available, try again shortly") from error
    except BotoCoreError as error:
        raise StoreUnavailable("The workflow service is not available, try again shortly") from error


def start_waiting_runs(project_id: str) -> None:
    """Start every run of the project that only waited for its data. Harmless to repeat."""
    for run in runs.queue_ready(project_id):
        start("link", run.run_id, run.attempt)


def look_up(work: Work, subject_id: str, attempt: int) -> Fate:
    """What has become of an execution; ``missing`` when Step Functions doesn't know it."""
    try:
        status = step_functions().describe_execution(executionArn=_arn(work, subject_id, attempt))["status"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return "missing"
        raise
    return "running" if status in _RUNNING else "ended"


def stop(work: Work, subject_id: str, attempt: int) -> None:
    """Stop the execution, if it is running."""
    try:
        step_functions().stop_execution(
            executionArn=_arn(work, subject_id, attempt), cause="What it worked for was deleted."
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ExecutionDoesNotExist", "ValidationException"):
            raise


def _name(subject_id: str, attempt: int) -> str:
    return subject_id if attempt == 1 else f"{subject_id}-{attempt}"


def _arn(work: Work, subject_id: str, attempt: int) -> str:
    machine_arn = settings().state_machine_arn_prefix + _WORK[work][0]
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{_name(subject_id, attempt)}"
