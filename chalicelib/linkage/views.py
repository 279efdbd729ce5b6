"""Scored pairs and groups as text: JSON, CSV, newline-delimited JSON; whole, in pages, with scores.

Everything comes in pieces of some thousand lines, written by ``text_table``. Scores read back as the
same float64 in every form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.linkage.candidates import Candidates
from chalicelib.linkage.grouped_pairs import Groups
from chalicelib.linkage.text_table import Column, Rows, floats, integers, join, literal

LINES_PER_PIECE = 16_384

_PAIR_FIELDS = ("dataset_a", "record_a", "dataset_b", "record_b", "score")
Positions = NDArray[np.int32]
Lines = NDArray[Any]  # what makes a line of text each: members of groups, or pairs


def render_pairs(blocks: Iterable[Candidates], form: str, next_page: str | None) -> Iterator[bytes]:
    """Scored pairs in ``form``: ``json``, ``csv`` or ``ndjson``.

    JSON is ``{"similarity_scores":[[[dataset_a, record_a],[dataset_b, record_b],score],…],"next":…}``,
    ``next`` only if there is a ``next_page``. A line of ndjson is one such pair.
    """
    pieces = (
        block[start : start + LINES_PER_PIECE]
        for block in blocks
        for start in range(0, len(block), LINES_PER_PIECE)
    )
    if form == "csv":
        yield ",".join(_PAIR_FIELDS).encode() + b"\n"
        yield from (join(_pair_as_csv(piece)) for piece in pieces)
    elif form == "ndjson":
        yield from (join([*_pair_as_json(piece), literal(b"\n", _all(piece))]) for piece in pieces)
    else:
        items = (join([literal(b",", _all(piece)), *_pair_as_json(piece)]) for piece in pieces)
        yield from _document({"similarity_scores": items}, next_page)


def render_groups(blocks: Iterable[Groups], first: int, form: str, next_page: str | None) -> Iterator[bytes]:
    """Groups in ``form``; ``first`` is the position of the first one, from which CSV counts.

    JSON is ``{"groups":[[[dataset, record],…],…],"next":…}``, ``next`` as above; a line of ndjson is one
    group's records; a line of CSV is one record: ``group,dataset,record``.
    """
    if form == "csv":
        yield b"group,dataset,record\n"
        for groups in blocks:
            for members, position in _member_pieces(groups):
                every = _all(members)
                numbers = [integers(position.astype(np.uint64) + np.uint64(first)), *_columns(members)]
                yield join([*_between(numbers, b",", every), literal(b"\n", every)])
            first += len(groups)
        return
    pieces = chain.from_iterable(map(_member_pieces, blocks))
    if form == "ndjson":
        yield from _lists(pieces, _record_as_json, b"", b"\n")
    else:
        yield from _document({"groups": _lists(pieces, _record_as_json, b",", b"")}, next_page)


def render_scored_groups(
    groups: Groups, positions: Positions, pairs: Candidates, first: int, form: str, next_page: str | None
) -> Iterator[bytes]:
    """Groups with the scored pairs within each, as ``memberships.pairs_within`` gives them.

    JSON has a list ``scores`` beside ``groups``: for each group its pairs, as ``render_pairs`` has them. A
    line of ndjson is ``{"group":[…],"scores":[…]}``; a line of CSV is one pair with its group's position.
    """
    if form == "csv":
        yield ("group," + ",".join(_PAIR_FIELDS) + "\n").encode()
        for piece, position in _cut(pairs, positions):
            number = integers(position.astype(np.uint64) + np.uint64(first))
            yield join([number, literal(b",", _all(piece)), *_pair_as_csv(piece)])
    elif form == "ndjson":
        members = _lines(_lists(_member_pieces(groups), _record_as_json, b"", b"\n"))
        scores = _lines(_lists(_cut(pairs, positions), _pair_as_json, b"", b"\n"))
        for group, scored in zip(members, scores, strict=True):
            yield b'{"group":%b,"scores":%b}\n' % (group, scored)
    else:
        items = _lists(_member_pieces(groups), _record_as_json, b",", b"")
        scores = _lists(_cut(pairs, positions), _pair_as_json, b",", b"")
        yield from _document({"groups": items, "scores": scores}, next_page)


def _document(lists: dict[str, Iterator[bytes]], next_page: str | None) -> Iterator[bytes]:
    """A JSON object of lists; each item comes with a comma before it."""
    for number, (name, items) in enumerate(lists.items()):
        yield ("{" if number == 0 else ",").encode() + f'"{name}":['.encode()
        yield next(items, b",")[1:]
        yield from items
        yield b"]"
    if next_page is not None:
        yield f',"next":{json.dumps(next_page)}'.encode()
    yield b"}"


def _lists(
    pieces: Iterable[tuple[Lines, Positions]],
    item: Callable[[Lines], list[Column]],
    before: bytes,
    behind: bytes,
) -> Iterator[bytes]:
    """Rows of the same position as one JSON list; no position goes on in another piece."""
    for rows, position in pieces:
        is_first = np.ones(len(position), dtype=np.bool_)
        is_first[1:] = position[1:] != position[:-1]
        is_last = np.roll(is_first, -1)
        starts = [literal(before + b"[", is_first), literal(b",", ~is_first)]
        yield join([*starts, *item(rows), literal(b"]" + behind, is_last)])


def _member_pieces(groups: Groups) -> Iterator[tuple[Lines, Positions]]:
    return _cut(groups.members, np.repeat(np.arange(len(groups), dtype=np.int32), groups.sizes))


def _cut(rows: Lines, positions: Positions) -> Iterator[tuple[Lines, Positions]]:
    """Pieces of about LINES_PER_PIECE rows that end where a position ends."""
    wanted = positions[::LINES_PER_PIECE]
    edges = np.unique(np.append(np.searchsorted(positions, wanted), len(positions)))
    for start, stop in pairwise(chain((0,), edges[edges > 0].tolist())):
        yield rows[start:stop], positions[start:stop]


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    return (line for piece in pieces for line in piece.splitlines())


def _pair_as_json(pairs: Lines) -> list[Column]:
    every, numbers = _all(pairs), _pair_columns(pairs)
    between = [b"[[", b",", b"],[", b",", b"],"]
    texts = (literal(text, every) for text in between)
    return [*chain.from_iterable(zip(texts, numbers, strict=True)), literal(b"]", every)]


def _pair_as_csv(pairs: Lines) -> list[Column]:
    every = _all(pairs)
    return [*_between(_pair_columns(pairs), b",", every), literal(b"\n", every)]


def _pair_columns(pairs: Lines) -> list[Column]:
    *records, score = _PAIR_FIELDS
    return [*(integers(pairs[field]) for field in records), floats(pairs[score])]


def _record_as_json(members: Lines) -> list[Column]:
    every = _all(members)
    dataset, record = _columns(members)
    return [literal(b"[", every), dataset, literal(b",", every), record, literal(b"]", every)]


def _columns(members: Lines) -> list[Column]:
    return [integers(members[:, 0]), integers(members[:, 1])]


def _between(columns: list[Column], text: bytes, rows: Rows) -> Iterator[Column]:
    for number, column in enumerate(columns):
        if number:
            yield literal(text, rows)
        yield column


def _all(rows: Lines) -> Rows:
    return np.ones(len(rows), dtype=np.bool_)
