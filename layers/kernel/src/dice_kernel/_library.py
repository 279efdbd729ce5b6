"""The compiled library: loading it, the types of its functions, and which instruction set they use.

Functions of the library run without the GIL. What each does is said in csrc/kernel.h.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_double, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hits = tuple[NDArray[np.float64], NDArray[np.uint32], NDArray[np.uint32]]
"""Scores, rows of a, rows of b, each (hits,)."""

ISA_VARIABLE = "DICE_KERNEL_ISA"
ISAS = ("portable", "neon", "avx2", "avx512")  # the library's numbers, from slow to fast
MAX_SIZE = 1024  # bytes of a record

_OK, _NO_MEMORY = 0, -1


def _load() -> ctypes.CDLL:
    return ctypes.CDLL(str(Path(__file__).with_name("_kernel.so")))


library = _load()

_ADDRESS = c_void_p  # of an array's first element


def declare(name: str, result: Any, *arguments: Any) -> None:
    """Gives a function of the library its types."""
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


declare("dk_isa_supported", c_int, c_int)
declare("dk_isa_best", c_int)
declare("dk_hits_new", c_void_p)
declare("dk_hits_count", c_size_t, c_void_p)
declare("dk_hits_copy", None, c_void_p, _ADDRESS, _ADDRESS, _ADDRESS)
declare("dk_hits_free", None, c_void_p)
declare("dk_popcounts", None, _ADDRESS, c_size_t, c_size_t, _ADDRESS)
declare("dk_least_overlaps", None, c_size_t, c_double, _ADDRESS)
declare(
    "dk_compare",
    c_int,
    *(_ADDRESS, c_size_t, _ADDRESS, c_size_t, c_size_t, c_double, c_int, c_int, c_void_p),
)
declare(
    "dk_compare_rectangles",
    c_int,
    *(_ADDRESS, c_size_t, _ADDRESS, c_size_t, c_size_t),
    *(_ADDRESS, c_size_t, c_double, c_int, c_int, c_void_p),
)


def isa() -> str:
    """The instruction set in use: "avx512", "avx2", "neon" or "portable".

    The fastest that this machine runs, or the one that the environment variable DICE_KERNEL_ISA names.
    Raises ValueError for a name that isn't one of these and for one that this machine doesn't run.
    """
    return ISAS[isa_number()]


def isa_number() -> int:
    """The library's number of ``isa()``, which its functions take."""
    forced = os.environ.get(ISA_VARIABLE, "")
    if not forced:
        return int(library.dk_isa_best())
    if forced not in ISAS:
        raise ValueError(f"{ISA_VARIABLE} must be one of {', '.join(ISAS)}, got {forced!r}")
    if not library.dk_isa_supported(ISAS.index(forced)):
        raise ValueError(f"{ISA_VARIABLE} is {forced}, which this machine doesn't run")
    return ISAS.index(forced)


def address(array: NDArray[Any]) -> int:
    """Of the first element of a C-contiguous array, which must be kept alive meanwhile."""
    return array.ctypes.data


def checked_records(records: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """The same records, (n, size) uint8, C-contiguous; copied only where they are not.

    Raises ValueError for another shape or type, for a size that is no multiple of 8 bytes from 8 to
    1024, and for 2**32 rows or more.
    """
    records = np.asarray(records)
    if records.ndim != 2 or records.dtype != np.uint8:
        raise ValueError(f"{name} must be uint8 of two dimensions, got {records.dtype} of {records.ndim}")
    rows, size = records.shape
    if size % 8 or not 8 <= size <= MAX_SIZE:
        raise ValueError(f"records of {name} must be a multiple of 8 bytes up to {MAX_SIZE}, got {size}")
    if rows >= 2**32:
        raise ValueError(f"{name} must have fewer than 2**32 rows, got {rows}")
    return np.ascontiguousarray(records)


def checked_sides(
    a: NDArray[np.uint8], b: NDArray[np.uint8], threshold: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both sides as ``checked_records``; raises ValueError also for sizes that differ and for a threshold
    outside [0, 1]."""
    a, b = checked_records(a, "a"), checked_records(b, "b")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"records must be of equal size, got {a.shape[1]} and {b.shape[1]} bytes")
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must be within 0 and 1, got {threshold}")
    return a, b


def check(code: int) -> None:
    """Raises MemoryError or ValueError for an error that a function of the library returned."""
    if code == _NO_MEMORY:
        raise MemoryError("the kernel ran out of memory")
    if code != _OK:
        raise ValueError("the kernel was given what it cannot compare")


class HitList:
    """A list of hits in the library's memory, for ``with``: the library appends, ``take`` copies."""

    def __enter__(self) -> HitList:
        self.pointer = library.dk_hits_new()
        if not self.pointer:
            raise MemoryError("the kernel ran out of memory")
        return self

    def __exit__(self, *_: object) -> None:
        library.dk_hits_free(self.pointer)
        self.pointer = None

    def take(self) -> Hits:
        """All hits so far, as arrays of their own."""
        count = library.dk_hits_count(self.pointer)
        scores = np.empty(count)
        rows_a, rows_b = np.empty(count, dtype=np.uint32), np.empty(count, dtype=np.uint32)
        library.dk_hits_copy(self.pointer, address(scores), address(rows_a), address(rows_b))
        return scores, rows_a, rows_b
