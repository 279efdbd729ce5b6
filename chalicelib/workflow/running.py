"""What the states of a run share: they work for runs that go on, and leave nothing for those that don't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.errors import Ended, Gone
from chalicelib.observability import identify
from chalicelib.storage import layout, objects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow.task import Event


def unfinished(event: Event) -> Run:
    """The run that a state is to work for. Raises Gone when it was deleted, Ended when it has ended."""
    run = runs.find(event["run_id"])
    identify(project_id=run.project_id)
    if run.state not in ("queued", "running"):
        raise Ended(f"run {run.run_id} is {run.state}")
    return run


@contextmanager
def undone_if_gone(*keys: str) -> Iterator[None]:
    """Write ``keys`` and record it in here: if the run turns out to be deleted, the objects go again.

    Not so if it has ended: then another call was faster, and its result may consist of these very objects.
    """
    try:
        yield
    except Ended:
        raise
    except Gone:
        for key in keys:
            objects.delete(layout.bucket_of(key), key)
        raise
