"""Results as bytes: JSON for delivery, and the compact form in which groups wait for it.

Between ``merging``, ``solving`` or ``permutation`` and the objects that clients download. JSON is made
in pieces, groups and pairs without a Python object each, so that memory is a block and a piece.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage import views
from chalicelib.linkage.candidates import Candidates
from chalicelib.linkage.grouped_pairs import Groups

NUMBERS_PER_PIECE = 8_000  # about 64 KiB of JSON: a position takes up to 9 bytes


def render_groups(blocks: Iterable[Groups]) -> Iterator[bytes]:
    """``{"groups":[[[dataset, record],…],…]}`` in pieces of some 200 KiB, in the order given."""
    return views.render_groups(blocks, 0, "json", None)


def render_similarity_scores(blocks: Iterable[Candidates]) -> Iterator[bytes]:
    """``{"similarity_scores":[[[dataset_a, record_a],[dataset_b, record_b],score],…]}`` in pieces.

    Keeps the order. Scores read back as the same float64. Holds one block and one piece of some 700 KiB.
    """
    return views.render_pairs(blocks, "json", None)


def render_permutation(permutation: NDArray[np.uint32], rows: int) -> Iterator[bytes]:
    """``{"permutation":[position,…],"rows":n}`` in pieces: as one party reads it."""
    return _render_list("permutation", _numbers(permutation), tail=f',"rows":{rows}')


def render_encrypted(
    permutation: NDArray[np.uint32], rows: int, ciphertexts: Iterable[bytes], context: object
) -> Iterator[bytes]:
    """``{"permutation":[…],"rows":n,"mask":["…",…],"paillier_context":{…}}`` in pieces.

    ``ciphertexts`` are the items of the mask as JSON, some of them at a time with commas in between.
    """
    yield from _render_list("permutation", _numbers(permutation), tail=f',"rows":{rows},"mask":[', end="")
    separator = b""
    for piece in ciphertexts:
        yield separator + piece
        separator = b","
    yield f'],"paillier_context":{json.dumps(context, separators=(",", ":"))}}}'.encode()


def render_mask(mask: NDArray[np.uint8]) -> Iterator[bytes]:
    """``{"mask":[0,1,…]}`` in pieces: as the owner reads it."""
    return _render_list("mask", _numbers(mask))


def groups_to_bytes(groups: Groups) -> bytes:
    """Groups in compact form, 20 bytes for a group of two.

    Little-endian uint32: the number of groups, the size of each, then dataset and record of each
    member in order.
    """
    count = np.array([len(groups)], dtype="<u4")
    arrays = (np.ascontiguousarray(part, dtype="<u4") for part in (count, groups.sizes, groups.members))
    return b"".join(part.data for part in arrays)


def pairs_from_bytes(data: bytes) -> NDArray[np.uint32]:
    """The groups of two data sets, which ``groups_to_bytes`` wrote, as (groups, 2): a record of each.

    Raises ValueError when bytes are missing or left over and when a group isn't a record of either.
    """
    sizes, members = _sizes_and_members(data)
    are_pairs = (sizes == 2).all() and (members[0::2, 0] == 0).all() and (members[1::2, 0] == 1).all()
    if not are_pairs:
        raise ValueError("there are groups that aren't one record of either data set")
    return members[:, 1].reshape(-1, 2)


def _sizes_and_members(data: bytes) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    numbers = np.frombuffer(data, dtype="<u4")
    group_count = int(numbers[0]) if len(numbers) else -1
    sizes, members = numbers[1 : group_count + 1], numbers[group_count + 1 :].reshape(-1, 2)
    if len(sizes) != group_count or len(members) != sizes.sum(dtype=np.int64):
        raise ValueError(f"{len(data)} bytes are not the groups that were written")
    return sizes, members


def _render_list(
    name: str, batches: Iterable[Sequence[object]], tail: str = "", end: str = "}"
) -> Iterator[bytes]:
    separator = ""
    yield f'{{"{name}":['.encode()
    for batch in batches:
        yield (separator + json.dumps(batch, separators=(",", ":"))[1:-1]).encode()
        separator = ","
    yield f"]{tail}{end}".encode()


def _numbers(array: NDArray[np.uint32] | NDArray[np.uint8]) -> Iterator[list[object]]:
    for start in range(0, len(array), NUMBERS_PER_PIECE):
        yield array[start : start + NUMBERS_PER_PIECE].tolist()
