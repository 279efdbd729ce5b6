"""Other forms of a run's result, made when they are asked for. The API calls ``render`` and waits.

A small one is the answer itself, a large one an object whose key is the answer; it stays for the next
who asks, until the run is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError, StoreUnavailable
from chalicelib.linkage.grouped_pairs import TooManyPairs, groups_with, pairs_within
from chalicelib.linkage.views import render_groups, render_pairs, render_scored_groups
from chalicelib.storage import layout, objects, runs
from chalicelib.workflow.forms import Form
from chalicelib.workflow.result_files import GroupFile, PairFile
from chalicelib.workflow.running import undone_if_gone
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

# Text travels inside JSON to the API and inside JSON again from there, every line's end as two characters.
INLINE_BYTES = 4_000_000
# 24 bytes each, some times over while they are put in order.
MAX_PAIRS_WITHIN_GROUPS = 20_000_000
_MAX_SECONDS = 900  # of a call, as functions.yaml has it

_View = tuple[Iterator[bytes], str | None]
"""A view's text in pieces, and the path of the page after it, None if it is the last."""


@tasks.lambda_function()
@task
def render(event: Event) -> dict[str, Any]:
    """Makes the view of ``event``: ``project_id``, ``run_id``, ``result_type``, ``form`` (of
    ``forms.Form``), ``path`` (of the result, to which the next page's query is added).

    Returns ``text``, or ``key`` of an object of the data bucket, and ``next``, the next page's path or
    None. Raises Gone when the run was deleted, PermanentError for what is too much at once,
    StoreUnavailable while another call makes it.
    """
    project_id, run_id, form = event["project_id"], event["run_id"], Form(**event["form"])
    try:
        pairs = PairFile(layout.merged(project_id, run_id))
        if event["result_type"] == "groups":
            pieces, next_page = _groups(
                GroupFile(layout.groups(project_id, run_id)), pairs, form, event["path"]
            )
        else:
            pieces, next_page = _pairs(pairs, form, event["path"])
        return {**_deliver(project_id, run_id, form, pieces), "next": next_page}
    except objects.NoSuchObject as error:
        raise Gone("the run was deleted") from error


def _pairs(file: PairFile, form: Form, path: str) -> _View:
    total = file.count_from(form.min_score)
    stop = _stop(form, total)
    next_page = _next_page(form, path, stop, total)
    return render_pairs(file.blocks(form.after, stop), form.format, next_page), next_page


def _groups(file: GroupFile, pairs: PairFile, form: Form, path: str) -> _View:
    if form.min_score is None:
        total = len(file)
        stop = _stop(form, total)
        page = file.read(form.after, stop)
    else:
        every = file.read(0, len(file))
        # A group's lowest score is enough when none of its pairs is among those that aren't.
        lower = pairs.blocks(pairs.count_from(form.min_score), len(pairs))
        kept = every.where(~groups_with(every, lower))
        total = len(kept)
        stop = _stop(form, total)
        page = kept.page(form.after, stop)
    next_page = _next_page(form, path, stop, total)
    if not form.scores:
        return render_groups([page], form.after, form.format, next_page), next_page
    try:
        positions, within = pairs_within(page, pairs.blocks(0, len(pairs)), MAX_PAIRS_WITHIN_GROUPS)
    except TooManyPairs as error:
        raise PermanentError(f"With scores {error}; ask for pages by the query parameter 'limit'") from None
    return render_scored_groups(page, positions, within, form.after, form.format, next_page), next_page


def _stop(form: Form, total: int) -> int:
    return total if form.limit is None else min(form.after + form.limit, total)


def _next_page(form: Form, path: str, stop: int, total: int) -> str | None:
    return f"{path}?{form.query_of_next(stop)}" if form.limit is not None and stop < total else None


def _deliver(project_id: str, run_id: str, form: Form, pieces: Iterator[bytes]) -> dict[str, str]:
    begun, size = [], 0
    for piece in pieces:
        begun.append(piece)
        size += len(piece)
        if size > INLINE_BYTES:
            break
    else:
        return {"text": b"".join(begun).decode()}
    bucket, key = settings().data_bucket, layout.view(project_id, run_id, form.name)
    if not objects.exists(bucket, key):
        with _alone(f"{key}.begun"), undone_if_gone(key):
            objects.write_stream(bucket, key, chain(begun, pieces), content_type=form.content_type)
            runs.find(run_id)
    return {"key": key}


@contextmanager
def _alone(mark: str) -> Iterator[None]:
    """Keeps others from the same work: clients that are told to try again do, while the first call goes on.

    A mark that a killed call left counts no longer than a call can last. Raises StoreUnavailable.
    """
    bucket, now = settings().data_bucket, time.time()
    until = str(int(now + _MAX_SECONDS)).encode()
    if not objects.put_new(bucket, mark, until):
        if int(objects.get(bucket, mark)) > now:
            raise StoreUnavailable("This form of the result is being made, try again shortly")
        objects.put(bucket, mark, until)
    try:
        yield
    finally:
        objects.delete(bucket, mark)
