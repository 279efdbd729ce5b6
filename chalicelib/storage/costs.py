"""What a run's compare functions have used, which no row tells while they are at work."""

from __future__ import annotations

from math import ceil

from chalicelib.config import settings
from chalicelib.storage.cache import Progress
from chalicelib.storage.runs import Run

MB_A_GB = 1024
MB_A_VCPU = 1769  # Lambda gives a function with so much memory one vCPU, and others in proportion

_RATED_KEY_BITS = 2048
# Of the time of an encryption: by the length of the exponent, and of numbers that are multiplied. Measured
# from 1,024 to 4,096 bits.
_KEY_GROWTH = 2.85


def comparisons_per_second(memory_mb: int) -> float:
    """What a function of that memory does on its vCPUs, by the set rate, in standard comparisons."""
    return settings().comparisons_per_second * vcpus(memory_mb)


def vcpus(memory_mb: int) -> float:
    """Of a function of that memory."""
    return memory_mb / MB_A_VCPU


def of_comparing(run: Run, counted: Progress | None, comparisons: int) -> tuple[float, int]:
    """GB-seconds and requests of the run's compare functions so far.

    By what they ``counted``, or without that by how many ``comparisons`` they have done, at the set rate.
    """
    s = settings()
    seconds = comparisons / comparisons_per_second(s.compare_memory_mb)
    share = comparisons / run.total_comparisons if run.total_comparisons else 0
    return _used(counted, seconds, round(share * (run.chunks or 0)))


def of_encrypting(counted: Progress | None, bits: int, key_bits: int) -> tuple[float, int]:
    """As ``of_comparing``, of the functions that have encrypted so many ``bits`` of the run's mask."""
    s = settings()
    seconds = encrypting_seconds(bits, key_bits, s.compare_memory_mb)
    return _used(counted, seconds, ceil(seconds / s.chunk_min_seconds))


def encrypting_seconds(bits: int, key_bits: int, memory_mb: int) -> float:
    """That a function of that memory takes to encrypt so many bits of a mask, by the set rate."""
    rate = settings().encryptions_per_second * vcpus(memory_mb)
    relative: float = (key_bits / _RATED_KEY_BITS) ** _KEY_GROWTH
    return bits / rate * relative


def _used(counted: Progress | None, seconds: float, requests: int) -> tuple[float, int]:
    """GB-seconds and requests: what was counted, else what is given."""
    if counted is not None:
        seconds, requests = counted.milliseconds / 1000, counted.calls
    return seconds * settings().compare_memory_mb / MB_A_GB, requests
