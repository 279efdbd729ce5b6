"""The encodings of an upload, whatever its form, as one stream of rows of equal size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage.block_order import Memberships
from chalicelib.linkage.encodings import (
    Header,
    HeaderBuilder,
    InvalidEncodings,
    check_encoding_size,
    padded,
    repack,
)
from chalicelib.linkage.json_encodings import read_json_encodings
from chalicelib.storage.datasets import NewDataset
from chalicelib.storage.objects import PART_BYTES, Readable
from chalicelib.storage.projects import Project
from chalicelib.workflow.sources import Sources


def read_rows(
    sources: Sources, project: Project, memberships: Memberships | None
) -> tuple[int, Iterator[bytes]]:
    """The size of an encoding in bytes, and the encodings one after the other in pieces of a few MB.

    Blocks that come with the encodings go into ``memberships``; None for a project without blocking.
    Raises InvalidEncodings, here or from the iterator, for encodings that the project cannot take and
    for a number of them that isn't the declared one.
    """
    if not sources.is_json:
        return _binary(sources, project)
    rows = read_json_encodings(sources.encodings.body, memberships)
    if sources.count is not None:
        rows = _counted(rows, sources.count)
    size = sources.encoding_size_bytes
    if sources.is_reference and size is not None:
        _check_size(size, project)
        return size, repack(padded(rows, size))
    first = next(rows)
    _check_size(len(first), project, size)
    return len(first), repack(chain([first], rows))


def write_rows(
    dataset: NewDataset, size_bytes: int, pieces: Iterable[bytes], count: int | None = None
) -> Header:
    """Write ``encodings.bin``; returns what is known of it, ``count`` being that of ``HeaderBuilder``."""
    builder = HeaderBuilder(size_bytes)
    dataset.write("encodings", _seen_by(builder, pieces))
    return builder.build(count)


def _seen_by(builder: HeaderBuilder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        builder.update(piece)
        yield piece


def _binary(sources: Sources, project: Project) -> tuple[int, Iterator[bytes]]:
    count, size = sources.count, sources.encoding_size_bytes
    if count is None or size is None:
        raise PermanentError("A binary upload needs its count and its encoding size")
    _check_size(size, project)
    expected, found = count * size, sources.encodings.size_bytes
    if found < expected or (found > expected and not sources.is_reference):
        raise InvalidEncodings(
            f"Expected {count} encodings of {size} bytes, {expected} bytes in all; got {found} bytes"
        )
    return size, _first_bytes(sources.encodings.body, expected)


def _check_size(size_bytes: int, project: Project, declared: int | None = None) -> None:
    s = settings()
    for expected in (declared, project.encoding_size_bytes):
        check_encoding_size(size_bytes, s.min_encoding_size_bytes, s.max_encoding_size_bytes, expected)


def _first_bytes(body: Readable, expected: int) -> Iterator[bytes]:
    left = expected
    while left:
        piece = body.read(min(PART_BYTES, left))
        if not piece:
            raise InvalidEncodings(f"Expected {expected} bytes of encodings, got {expected - left}")
        left -= len(piece)
        yield piece


def _counted(rows: Iterable[bytes], expected: int) -> Iterator[bytes]:
    count = 0
    for count, row in enumerate(rows, start=1):
        if count > expected:
            raise InvalidEncodings(f"Expected {expected} encodings, got more")
        yield row
    if count < expected:
        raise InvalidEncodings(f"Expected {expected} encodings, got {count}")
