"""How far encrypting a run's mask is: counted in Redis, or by the names of the slices that are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.config import settings
from chalicelib.storage import cache, costs, layout, objects
from chalicelib.storage.asked_runs import OwnedRun
from chalicelib.storage.cache import Progress
from chalicelib.storage.runs import Run


@dataclass(frozen=True)
class MaskStatus:
    bits: int  # that are encrypted
    relative: float  # of the whole mask
    rate: float | None  # bits a second; None as long as there are none
    eta_seconds: float | None
    used: tuple[float, int]  # GB-seconds and requests that the run's row wasn't charged yet


def is_encrypting(owned: OwnedRun) -> bool:
    """From the drawing of the mask until its result is there."""
    return owned.run.state == "running" and owned.run.mask_bits is not None


def describe(owned: OwnedRun) -> MaskStatus:
    """Of a run that ``is_encrypting``."""
    run, total = owned.run, owned.run.mask_bits or 0
    is_done = run.time_encrypted is not None
    counted = None if is_done else cache.mask_progress(run.run_id)
    bits = total if is_done else min(total, _bits(run, counted))
    rate = bits / _seconds(run) if bits else None
    return MaskStatus(
        bits=bits,
        relative=bits / total if total else 1.0,
        rate=rate,
        eta_seconds=(total - bits) / rate if rate else None,
        used=(0, 0) if is_done else costs.of_encrypting(counted, bits, owned.key_bits or 0),
    )


def _bits(run: Run, counted: Progress | None) -> int:
    # A later attempt counts from nothing in Redis, but finds what the ones before have encrypted.
    if counted is not None and run.attempt == 1:
        return counted.done
    keys = objects.list_keys(settings().data_bucket, layout.mask_prefix(run.project_id, run.run_id))
    return sum(stop - start for start, stop in map(layout.positions_of, keys))


def _seconds(run: Run) -> float:
    """Since the mask was drawn, until it was encrypted."""
    end = run.time_encrypted or datetime.now(UTC).replace(tzinfo=None)
    return max((end - (run.time_permuted or end)).total_seconds(), 1e-3)
