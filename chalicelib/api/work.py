"""Starting work that is on record already: what can't be started now, the reconciler starts later.

So a request whose rows are committed is answered as done even when Step Functions is away: a client
that tried again would be told that its token is used.
"""

from __future__ import annotations

from chalicelib.errors import StoreUnavailable
from chalicelib.observability import logger
from chalicelib.workflow import executions
from chalicelib.workflow.executions import Work


def start(work: Work, subject_id: str) -> None:
    try:
        executions.start(work, subject_id)
    except StoreUnavailable:
        logger.warning("start is left to the reconciler", extra={"work": work, "subject": subject_id})


def start_waiting_runs(project_id: str) -> None:
    try:
        executions.start_waiting_runs(project_id)
    except StoreUnavailable:
        logger.warning("start is left to the reconciler", extra={"work": "link", "subject": project_id})
