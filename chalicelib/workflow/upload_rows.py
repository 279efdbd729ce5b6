"""The encodings of an upload, whatever its form, as one stream of rows of equal size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage.block_order import Memberships
from chalicelib.linkage.encodings import (
    Batch,
    Header,
    InvalidEncodings,
    check_encoding_size,
    padded,
    repack,
)
from chalicelib.linkage.json_encodings import read_json_encodings
from chalicelib.storage import copying
from chalicelib.storage.datasets import NewDataset
from chalicelib.storage.objects import PART_BYTES, Readable
from chalicelib.storage.projects import Project
from chalicelib.storage.uploads import Upload
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
    batches = read_json_encodings(sources.encodings.body, memberships)
    if sources.count is not None:
        batches = _counted(batches, sources.count)
    size = sources.encoding_size_bytes
    if sources.is_reference and size is not None:
        _check_size(size, project)
        return size, repack(padded(batches, size))
    first = next(batches)
    _check_size(first.size_bytes, project, size)
    return first.size_bytes, repack(chain([first], batches))


def write_rows(
    dataset: NewDataset, size_bytes: int, pieces: Iterable[bytes], count: int | None = None
) -> Header:
    """Write ``encodings.bin``, whole rows; returns its header, of ``count`` records if not one a row."""
    stored_rows = dataset.write("encodings", pieces) // size_bytes
    return Header(stored_rows if count is None else count, stored_rows, size_bytes)


def can_be_copied(upload: Upload) -> bool:
    """Whether the upload is ``encodings.bin`` already, and isn't to be read for the cache either."""
    is_large = upload.size_bytes > settings().cached_dataset_max_bytes
    return is_large and upload.format == "binary" and upload.blocks_key is None


def copy_rows(dataset: NewDataset, upload: Upload, project: Project) -> Header:
    """Make ``encodings.bin`` of an upload that ``can_be_copied``, for a project without blocking.

    Raises InvalidEncodings as ``read_rows``, NoSuchObject when the upload is gone.
    """
    original = copying.look_at(upload.bucket, upload.object_key)
    declared = upload.encodings_count, upload.encoding_size_bytes
    count, size = _check_binary(*declared, original.size_bytes, project)
    dataset.copy("encodings", original)
    return Header(count, count, size)


def _binary(sources: Sources, project: Project) -> tuple[int, Iterator[bytes]]:
    count, size = _check_binary(
        sources.count,
        sources.encoding_size_bytes,
        sources.encodings.size_bytes,
        project,
        may_be_longer=sources.is_reference,
    )
    return size, _first_bytes(sources.encodings.body, count * size)


def _check_binary(
    count: int | None, size: int | None, found: int, project: Project, *, may_be_longer: bool = False
) -> tuple[int, int]:
    """``count`` and ``size`` as they were declared of an object that has ``found`` bytes."""
    if count is None or size is None:
        raise PermanentError("A binary upload needs its count and its encoding size")
    _check_size(size, project)
    expected = count * size
    if found < expected or (found > expected and not may_be_longer):
        raise InvalidEncodings(
            f"Expected {count} encodings of {size} bytes, {expected} bytes in all; got {found} bytes"
        )
    return count, size


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


def _counted(batches: Iterable[Batch], expected: int) -> Iterator[Batch]:
    count = 0
    for batch in batches:
        if count < expected:  # what is wrong with one of these comes first
            yield batch
        count += batch.count
        if count > expected:
            raise InvalidEncodings(f"Expected {expected} encodings, got more")
    if count < expected:
        raise InvalidEncodings(f"Expected {expected} encodings, got {count}")
