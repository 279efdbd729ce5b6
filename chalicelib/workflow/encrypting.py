"""The second fan-out of the link state machine: one call encrypts one slice of a mask on all its vCPUs.

As ``compare`` does it touches S3 and Redis only. A slice is written once: another call's has other
randomness, so each party could otherwise get a mask of its own.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np
from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.linkage import mask_encryption
from chalicelib.observability import count
from chalicelib.storage import cache, layout, objects
from chalicelib.workflow.fan_out import undone_if_deleted
from chalicelib.workflow.task import Event, task

if TYPE_CHECKING:  # planning slices imports the database
    from chalicelib.workflow.mask_slices import SliceTask

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def encrypt_mask(event: Event) -> dict[str, int]:
    """Reads its bits of the mask, writes their ciphertexts, counts the progress.

    A slice that is there already (a retry, a second attempt of the run) is only counted.
    """
    work: SliceTask = event  # type: ignore[assignment]  # the manifest's lines are made as such
    started = time.monotonic()
    key = slice_key(work)
    if not objects.exists(settings().data_bucket, key):
        with undone_if_deleted(work["project_id"], work["run_id"], key):
            write_slice(work)
    milliseconds = round((time.monotonic() - started) * 1000)
    bits = work["stop"] - work["start"]
    cache.count_slice(work["run_id"], work["start"], bits, milliseconds)
    return {"bits": bits}


def slice_key(work: SliceTask) -> str:
    """Where the slice's ciphertexts are written."""
    return layout.mask_slice(work["project_id"], work["run_id"], work["start"], work["stop"])


def write_slice(work: SliceTask) -> None:
    """Encrypt and write a slice, unless another call has done so before. Raises Gone if there is no mask."""
    public_key = mask_encryption.public_key(work["modulus"])
    texts = mask_encryption.encrypt_bits(_read_bits(work), public_key, len(os.sched_getaffinity(0)))
    content = ",".join(f'"{text}"' for text in texts).encode()
    objects.put_new(settings().data_bucket, slice_key(work), content)
    count("EncryptedBits", work["stop"] - work["start"])


def _read_bits(work: SliceTask) -> list[int]:
    start, stop = work["start"], work["stop"]
    key = layout.permutation(work["project_id"], work["run_id"])
    offset = work["mask_offset"]
    try:
        packed = objects.get_range(settings().data_bucket, key, offset + start // 8, offset + (stop + 7) // 8)
    except objects.NoSuchObject as error:
        raise Gone("the run was deleted, or has ended") from error
    bits: list[int] = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=stop - start).tolist()
    return bits
