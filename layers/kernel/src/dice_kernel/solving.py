"""From candidate pairs to groups: anonlink's greedy solver on arrays, and connected components.

Pairs are four columns; columns that are fields of one structured array are read where they are. No
Python object is made for a pair, a record or a group.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from ctypes import POINTER, byref, c_int, c_size_t, c_ssize_t, c_uint32, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dice_kernel._library import address, check, declare, library

Column = NDArray[np.uint32]
"""A number for each pair, (n,), of any stride."""

GroupArrays = tuple[NDArray[np.uint32], NDArray[np.uint32]]
"""Sizes of groups, (groups,), and data set and record of each member, (sum of sizes, 2)."""

MAX_RECORDS = 2**32 - 1


class _Pairs(ctypes.Structure):
    """dk_pairs of csrc/kernel.h."""

    _fields_ = (
        ("dataset_a", c_void_p),
        ("dataset_b", c_void_p),
        ("record_a", c_void_p),
        ("record_b", c_void_p),
        ("stride", c_ssize_t),
        ("count", c_size_t),
    )
    columns: tuple[Column, ...]  # kept alive


declare("dk_solve", c_int, POINTER(_Pairs), POINTER(c_void_p), POINTER(c_size_t))
declare("dk_free_groups", None, c_void_p)
declare("dk_components", c_int, POINTER(_Pairs), c_void_p, POINTER(c_uint32))
declare("dk_unite_records", c_int, POINTER(_Pairs), c_void_p, c_uint32, c_void_p)
declare("dk_label_pairs", c_int, POINTER(_Pairs), c_void_p, c_uint32, c_void_p, c_void_p)


def solve(dataset_a: Column, dataset_b: Column, record_a: Column, record_b: Column) -> GroupArrays:
    """The groups of ``anonlink.solving.greedy_solve``, of two records or more, each record in one.

    Pairs are taken in their order, so the best come first; none may occur twice, turned round
    neither. Members are sorted, and groups by their first member. Both arrays lie in one piece of
    memory, behind a number that says how many groups there are.

    O(n log n), in practice O(n), without the GIL. Beside the result it holds 10 to 35 bytes a pair, 16 a
    match where there are but two data sets. Record numbers may be any of 32 bits; where they are so
    sparse that they are fewer than one in a hundred, it may hold 150.
    Raises ValueError for columns that aren't uint32 of one length, and for 2**31 pairs or more.
    """
    pairs = _pairs(dataset_a, dataset_b, record_a, record_b)
    pointer, length = c_void_p(), c_size_t()
    check(library.dk_solve(byref(pairs), byref(pointer), byref(length)))
    numbers = _owning_array(pointer, length.value)
    group_count = int(numbers[0])
    return numbers[1 : 1 + group_count], numbers[1 + group_count :].reshape(-1, 2)


def solve_candidates(candidates: NDArray[Any]) -> GroupArrays:
    """``solve`` for a structured array with fields of these names, whose other fields don't matter."""
    return solve(*_fields(candidates))


def components(
    dataset_a: Column, dataset_b: Column, record_a: Column, record_b: Column
) -> tuple[NDArray[np.uint32], int]:
    """For each pair the connected component it is in, (n,), and the number of components.

    Components are numbered in the order of their first pairs. Their groups can be found apart: ``solve``
    for the pairs of some components, in their order, gives the groups of these components. Cost and
    errors as ``solve``.
    """
    pairs = _pairs(dataset_a, dataset_b, record_a, record_b)
    labels, component_count = np.empty(pairs.count, dtype=np.uint32), c_uint32()
    check(library.dk_components(byref(pairs), address(labels), byref(component_count)))
    return labels, component_count.value


def components_of_candidates(candidates: NDArray[Any]) -> tuple[NDArray[np.uint32], int]:
    """``components`` for a structured array with fields of these names."""
    return components(*_fields(candidates))


class Components:
    """Connected components of pairs that come in portions: 4 bytes for each record there may be.

    ``lengths`` are the numbers of records of the data sets, 2**32 - 1 at most in all, or ValueError.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        total = sum(lengths)
        if not 0 <= total <= MAX_RECORDS or any(length < 0 for length in lengths):
            raise ValueError(f"there may be 0 to {MAX_RECORDS} records, got {total}")
        self._dataset_count = len(lengths)
        self._first_numbers = np.concatenate([[0], np.cumsum(lengths, dtype=np.uint64)]).astype(np.uint32)
        self._parents = np.arange(total, dtype=np.uint32)

    def add(self, candidates: NDArray[Any]) -> None:
        """The next portion. Raises ValueError for a record that there isn't."""
        pairs = _pairs(*_fields(candidates))
        check(
            library.dk_unite_records(
                byref(pairs), address(self._first_numbers), self._dataset_count, address(self._parents)
            )
        )

    def labels(self, candidates: NDArray[Any]) -> NDArray[np.uint32]:
        """For each of some pairs, all of which have been added, what stands for its component, (n,).

        That is the smallest number of its records, counted through all data sets: the same whatever the
        order and the portions of the pairs. Labels leave numbers out.
        """
        pairs = _pairs(*_fields(candidates))
        labels = np.empty(pairs.count, dtype=np.uint32)
        check(
            library.dk_label_pairs(
                byref(pairs),
                address(self._first_numbers),
                self._dataset_count,
                address(self._parents),
                address(labels),
            )
        )
        return labels


def _fields(candidates: NDArray[Any]) -> tuple[Column, Column, Column, Column]:
    return (
        candidates["dataset_a"],
        candidates["dataset_b"],
        candidates["record_a"],
        candidates["record_b"],
    )


def _pairs(*columns: Column) -> _Pairs:
    """What the library reads, without a copy if all columns have the same stride."""
    first = columns[0]
    for column in columns:
        if column.dtype != np.uint32 or column.ndim != 1 or len(column) != len(first):
            raise ValueError("columns of pairs must be uint32, of one dimension and of equal length")
    if len({column.strides for column in columns}) > 1:
        columns = tuple(np.ascontiguousarray(column) for column in columns)
    pairs = _Pairs(*(column.ctypes.data for column in columns), columns[0].strides[0], len(first))
    pairs.columns = columns
    return pairs


def _owning_array(pointer: c_void_p, length: int) -> NDArray[np.uint32]:
    """Groups where the library wrote them; they are freed with the last array that shows them."""
    assert pointer.value is not None
    memory = (c_uint32 * length).from_address(pointer.value)
    # At exit the memory goes with the process, and arrays may still be read by then.
    weakref.finalize(memory, library.dk_free_groups, pointer.value).atexit = False
    return np.frombuffer(memoryview(memory), dtype=np.uint32)
