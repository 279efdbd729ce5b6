"""What the states of a run share: they work for runs that go on, and leave nothing for those that don't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.storage import objects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow.task import Event


def unfinished(event: Event) -> Run:
    """The run that a state is to work for. Raises Gone when it was deleted or has ended."""
    run = runs.find(event["run_id"])
    if run.state not in ("queued", "running"):
        raise Gone(f"run {run.run_id} is {run.state}")
    return run


@contextmanager
def undone_if_gone(key: str) -> Iterator[None]:
    """Write ``key`` and record it in here: if the run turns out to be deleted, the object goes again."""
    try:
        yield
    except Gone:
        objects.delete(settings().data_bucket, key)
        raise
