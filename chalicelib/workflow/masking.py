"""A mask that the parties get encrypted: planned in slices for ``encrypt_mask``, then put together.

Where a run is small there are no functions for it: what isn't encrypted yet is encrypted here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage.permutation import mask_offset
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.projects import Project
from chalicelib.storage.runs import Run
from chalicelib.workflow.mask_slices import SliceTask, plan_slices
from chalicelib.workflow.running import undone_if_gone


def plan(run: Run, project: Project) -> None:
    """Write the manifest of slices, unless a call has done so before: which they are is settled then."""
    key = layout.mask_manifest(run.project_id, run.run_id)
    with undone_if_gone(key):
        lines = b"".join(json.dumps(task).encode() + b"\n" for task in _tasks(run, project))
        objects.put_new(layout.bucket_of(key), key, lines)
        cache.begin_mask(run.run_id)
        runs.find(run.run_id)


def _tasks(run: Run, project: Project) -> Iterator[SliceTask]:
    first, second = projects.datasets(run.project_id)
    bits = min(first.count, second.count)
    for start, stop in plan_slices(bits, project.key_bits):
        yield {
            "project_id": run.project_id,
            "run_id": run.run_id,
            "start": start,
            "stop": stop,
            "mask_offset": mask_offset((first.count, second.count)),
            "modulus": project.modulus,
        }


def encrypt_here(run: Run, project: Project) -> None:
    """Encrypt in this call whatever slices there are not yet, and record that the mask is encrypted."""
    # phe takes 50 ms to import, which other runs' functions need not wait for.
    from chalicelib.workflow import encrypting

    key = layout.mask_manifest(run.project_id, run.run_id)
    bucket = layout.bucket_of(key)
    if not objects.exists(bucket, key):
        plan(run, project)
    written = set(_positions(run))
    for line in objects.get(bucket, key).splitlines():
        task: SliceTask = json.loads(line)
        if (task["start"], task["stop"]) not in written:
            with undone_if_gone(encrypting.slice_key(task)):
                encrypting.write_slice(task)
                runs.find(run.run_id)


def read_slices(run: Run, bits: int) -> Iterator[bytes]:
    """The encrypted mask in order, a slice at a time. Raises PermanentError where one is missing."""
    reached = 0
    for start, stop in sorted(_positions(run)):
        if start != reached:
            break
        yield objects.get(settings().data_bucket, layout.mask_slice(run.project_id, run.run_id, start, stop))
        reached = stop
    if reached != bits:
        raise PermanentError(f"Only {reached} of the mask's {bits} bits are encrypted")


def _positions(run: Run) -> Iterator[tuple[int, int]]:
    """Of the slices that are encrypted."""
    keys = objects.list_keys(settings().data_bucket, layout.mask_prefix(run.project_id, run.run_id))
    return (positions for positions in map(layout.positions_of, keys) if positions != (0, 0))
