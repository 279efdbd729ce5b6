"""The link state machine's merge: the chunks' candidate files become one.

One function reads only so many files at a time. Of more than that it makes groups, about as many as there
are files in each; a Distributed Map merges each group into a part, and then the parts are merged. A part's
name says what it is made of, so whoever finds it need not make it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from math import isqrt
from typing import Any, TypedDict

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.candidates import HEADER, Candidates, to_bytes
from chalicelib.linkage.merging import merge_candidates
from chalicelib.storage import layout, objects, runs
from chalicelib.storage.runs import Run
from chalicelib.workflow.compare import TOO_MANY_PAIRS
from chalicelib.workflow.costs import charged, record_compared
from chalicelib.workflow.result_files import read_side_by_side
from chalicelib.workflow.running import undone_if_gone, unfinished
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

# With more, each is read in pieces that take no longer than asking for them.
MAX_FILES = 200
_READERS = 8

File = tuple[str, int]
"""A file of pairs: its name after the run's prefix, and its size in bytes."""


class PartTask(TypedDict):
    """A line of the manifest of parts."""

    run_id: str
    name: str
    files: list[File]


@tasks.lambda_function()
@task
@charged
def merge(event: Event) -> dict[str, Any]:
    """Reads every chunk's candidate file, writes ``merged.bin``: sorted, each pair once.

    Where there are too many files it writes a manifest of parts to be merged first, says so by ``in_parts``,
    and is called again when they are there. Raises PermanentError when there are more pairs than this
    service delivers.
    """
    run = unfinished(event)
    record_compared(run)
    ids = run.project_id, run.run_id
    manifest = layout.merging_manifest(*ids)
    files = _listed(run, layout.candidates_prefix(*ids))
    made = dict(_listed(run, layout.merging_prefix(*ids))) if len(files) > MAX_FILES else {}
    while len(files) > MAX_FILES:
        parts = list(_parts(run, files))
        if missing := [part for part in parts if part["name"] not in made]:
            with undone_if_gone(manifest):
                lines = (json.dumps(part).encode() + b"\n" for part in missing)
                objects.write_stream(layout.bucket_of(manifest), manifest, lines)
                unfinished(event)
            return {"in_parts": True, "manifest_key": manifest}
        files = [(part["name"], made[part["name"]]) for part in parts]
    counter = _PairCounter()
    key = layout.merged(*ids)
    with undone_if_gone(key), ThreadPoolExecutor(_READERS) as pool:
        merged = counter.counted(_merged(run, files, pool))
        objects.write_stream(settings().data_bucket, key, to_bytes(merged))
        runs.record_merged(run.run_id, counter.pairs)
    return {"in_parts": False, "manifest_key": manifest}


@tasks.lambda_function()
@task
@charged
def merge_part(event: Event) -> None:
    """Reads the candidate files that ``event``, a ``PartTask``, names, and writes their part.

    A part that is there already stays. It has at most one pair more than a run may have: ``merge``
    counts, and tells. What is written for a run that was deleted or has ended is removed.
    """
    run = unfinished(event)
    bucket = settings().data_bucket
    key = layout.run_prefix(run.project_id, run.run_id) + event["name"]
    if objects.exists(bucket, key):
        return
    with ThreadPoolExecutor(_READERS) as pool:
        merged = _first(_max_pairs() + 1, _merged(run, event["files"], pool))
        objects.write_stream(bucket, key, to_bytes(merged))
    try:
        unfinished(event)
    except Gone:
        objects.delete(bucket, key)
        raise


def _max_pairs() -> int:
    return settings().similarity_scores_max_candidate_pairs


def _listed(run: Run, prefix: str) -> list[File]:
    """The files under a prefix that have any pairs."""
    start = len(layout.run_prefix(run.project_id, run.run_id))
    sizes = objects.list_sizes(settings().data_bucket, prefix)
    return [(key[start:], size) for key, size in sizes if size > len(HEADER)]


def _parts(run: Run, files: list[File]) -> Iterator[PartTask]:
    """The same files give the same parts."""
    step = min(MAX_FILES, isqrt(len(files) - 1) + 1)
    for start in range(0, len(files), step):
        group = files[start : start + step]
        made_of = [_max_pairs(), *(name for name, _ in group)]
        digest = blake2b(json.dumps(made_of).encode(), digest_size=16).hexdigest()
        key = layout.merged_part(run.project_id, run.run_id, digest)
        name = key.removeprefix(layout.run_prefix(run.project_id, run.run_id))
        yield {"run_id": run.run_id, "name": name, "files": group}


def _merged(run: Run, files: list[File], pool: ThreadPoolExecutor) -> Iterator[Candidates]:
    prefix = layout.run_prefix(run.project_id, run.run_id)
    return merge_candidates(read_side_by_side([(prefix + name, size) for name, size in files], pool))


def _first(pairs: int, blocks: Iterator[Candidates]) -> Iterator[Candidates]:
    for block in blocks:
        yield block[:pairs]
        pairs -= len(block)
        if pairs <= 0:
            return


class _PairCounter:
    """Counts the pairs that pass, and stops a run that has too many."""

    def __init__(self) -> None:
        self.pairs = 0

    def counted(self, blocks: Iterator[Candidates]) -> Iterator[Candidates]:
        for block in blocks:
            self.pairs += len(block)
            if self.pairs > _max_pairs():
                raise PermanentError(TOO_MANY_PAIRS)
            yield block
