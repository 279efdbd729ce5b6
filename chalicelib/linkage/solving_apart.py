"""Solving more candidate pairs than are to be held at once: connected components are solved apart.

What the solver does in one component doesn't depend on the others. So the pairs are read several times:
once for the components, then for one portion of components after another, each solved as ``solving`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import CANDIDATE_DTYPE, PAIR_BYTES, Candidates
from chalicelib.linkage.grouped_pairs import Groups
from chalicelib.linkage.solving import solve_groups

try:
    from dice_kernel import Components
except (ImportError, OSError):  # not installed, or built for another machine
    from chalicelib.linkage.solving_components import Components  # type: ignore[assignment]  # of one face

# At the most, and then all records are in groups of two: for the components 4, and 12 more while portions are
# made; for the groups 10, and 12 to 16 more when they are put in order.
BYTES_A_RECORD = 28
_BLOCK = 1 << 18  # records or groups that are gone through at a time


class ComponentTooLarge(ValueError):
    """One component has more pairs than may be solved together."""


class _Portion(NamedTuple):
    """The components whose labels are ``first`` to ``last``, both inclusive."""

    first: int
    last: int
    pairs: int


def solve_apart(
    blocks: Callable[[], Iterable[Candidates]], lengths: Sequence[int], most_pairs: int, most_together: int
) -> Groups:
    """The groups of ``solve_groups``, array for array, holding ``most_pairs`` pairs at a time.

    Each call of ``blocks`` gives all pairs anew, in the order that ``solve_groups`` wants, in blocks of any
    size. ``lengths`` are the numbers of records of the data sets. A component that has more pairs than
    ``most_pairs`` is solved by itself, up to ``most_together``, since pairs that share records take less.

    Goes through the pairs once, and once a portion, of which there are 1 + 2 * pairs / ``most_pairs`` or
    fewer. Holds ``BYTES_A_RECORD`` beside. Raises ComponentTooLarge before anything is solved.
    """
    return _in_order(list(_solved_portions(blocks, lengths, most_pairs, most_together)), lengths)


def _solved_portions(
    blocks: Callable[[], Iterable[Candidates]], lengths: Sequence[int], most_pairs: int, most_together: int
) -> Iterator[Groups]:
    components = Components(lengths)
    portions = list(_portions(_pairs_by_component(components, blocks(), lengths), most_pairs))
    largest = max((portion.pairs for portion in portions), default=0)
    if largest > max(most_pairs, most_together):
        raise ComponentTooLarge(f"a component has {largest} pairs, more than {most_together}")
    for portion in portions:
        yield solve_groups(_pairs_of(portion, components, blocks()))


def _pairs_by_component(
    components: Components, blocks: Iterable[Candidates], lengths: Sequence[int]
) -> NDArray[np.uint32]:
    """Find the components, and count the pairs of each: by its label, 0 for all other numbers, (records,)."""
    first_numbers = _first_numbers(lengths)
    counts = np.zeros(sum(lengths), dtype=np.uint32)
    for block in blocks:
        components.add(block)
        np.add.at(counts, first_numbers[block["dataset_a"]] + block["record_a"], np.uint32(1))
    # So far they are by record. A label is no larger than the number of its record, so what is moved to a
    # label stays there.
    for start, records in _all_records(lengths):
        counted = counts[start : start + len(records)].copy()
        counts[start : start + len(records)] = 0
        np.add.at(counts, components.labels(records).astype(np.intp), counted)
    return counts


def _all_records(lengths: Sequence[int]) -> Iterator[tuple[int, Candidates]]:
    """Every record as a pair with itself, in blocks, and the number of each block's first."""
    for dataset, (start, length) in enumerate(zip(_first_numbers(lengths).tolist(), lengths, strict=True)):
        for first in range(0, length, _BLOCK):
            records = np.zeros(min(_BLOCK, length - first), dtype=CANDIDATE_DTYPE)
            records["dataset_a"] = records["dataset_b"] = dataset
            records["record_a"] = records["record_b"] = np.arange(first, first + len(records))
            yield start + first, records


def _portions(pairs_by_component: NDArray[np.uint32], most_pairs: int) -> Iterator[_Portion]:
    """Components in the order of their labels, as many as fit, or one that doesn't."""
    labels = np.flatnonzero(pairs_by_component)
    ends = np.cumsum(pairs_by_component[labels], dtype=np.int64)
    start, before = 0, 0
    while start < len(labels):
        stop = max(start + 1, int(np.searchsorted(ends, before + most_pairs, side="right")))
        end = int(ends[stop - 1])
        yield _Portion(int(labels[start]), int(labels[stop - 1]), end - before)
        start, before = stop, end


def _pairs_of(portion: _Portion, components: Components, blocks: Iterable[Candidates]) -> Candidates:
    pairs = np.empty(portion.pairs, dtype=CANDIDATE_DTYPE)
    opaque = pairs.view(f"V{PAIR_BYTES}")  # numpy would copy structured arrays field by field
    count = 0
    for block in blocks:
        labels = components.labels(block)
        is_within = (labels >= portion.first) & (labels <= portion.last)
        found = block.view(opaque.dtype).compress(is_within)
        opaque[count : count + len(found)] = found
        count += len(found)
        if count == portion.pairs:
            break
    return pairs


def _in_order(parts: list[Groups], lengths: Sequence[int]) -> Groups:
    """All groups, sorted by their first members. Empties ``parts``, since the memory is needed."""
    sizes = np.concatenate([np.empty(0, dtype=np.uint32), *(part.sizes for part in parts)])
    members = np.concatenate([np.empty((0, 2), dtype=np.uint32), *(part.members for part in parts)])
    parts.clear()
    places = np.cumsum(sizes, dtype=np.int64) - sizes
    order = _order_of(members[places], lengths)
    sizes, places = sizes[order], places[order]
    ordered = np.empty_like(members)
    stop = 0
    for start in range(0, len(sizes), _BLOCK):
        block = slice(start, start + _BLOCK)
        ends = np.cumsum(sizes[block], dtype=np.int64)
        within = np.arange(ends[-1]) + np.repeat(places[block] - (ends - sizes[block]), sizes[block])
        stop += len(within)
        ordered[stop - len(within) : stop] = members[within]
    return Groups(sizes, ordered)


def _order_of(members: NDArray[np.uint32], lengths: Sequence[int]) -> NDArray[np.intp]:
    first_numbers = _first_numbers(lengths).astype(np.uint32)
    return np.argsort(first_numbers[members[:, 0]] + members[:, 1])


def _first_numbers(lengths: Sequence[int]) -> NDArray[np.int64]:
    """The number of each data set's first record, counted through all of them."""
    return np.cumsum([0, *lengths], dtype=np.int64)[:-1]
