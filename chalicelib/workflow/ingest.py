"""The ingest state machine: one upload becomes a data set, or is refused with a reason.

Whatever the upload's route and format, what is stored is ``encodings.bin`` and its header. Data
streams through a few buffers, so memory doesn't grow with the upload. The database's ``accept``
is the commit; everything before it can be done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.encodings import (
    Header,
    HeaderBuilder,
    check_encoding_size,
    repack,
)
from chalicelib.linkage.json_encodings import read_json_encodings
from chalicelib.storage import datasets, layout, objects, projects, uploads
from chalicelib.storage.uploads import Upload
from chalicelib.workflow import executions
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def ingest(event: Event) -> None:
    """Reads the raw upload, writes the data set, starts the runs that waited for it.

    A second call stores the same bytes under the same keys; after ``accept`` it only clears up
    and starts what is still waiting.
    """
    upload = uploads.find(event["upload_id"])
    if upload.state == "ingesting":
        _store(upload)
    if upload.state != "error":
        datasets.discard_source(upload)
        executions.start_waiting_runs(upload.project_id)


def _store(upload: Upload) -> None:
    bucket = settings().data_bucket
    try:
        header = _write_encodings(upload)
        objects.put(bucket, layout.header(upload.project_id, upload.upload_id), header.to_json().encode())
        uploads.accept(upload.upload_id, header.count, header.encoding_size_bytes)
    except objects.NoSuchObject as error:
        raise PermanentError("The uploaded object is not there (any more); upload it again") from error
    except Gone:
        datasets.discard(upload)  # deleted while we wrote: leave nothing behind
        raise


def _write_encodings(upload: Upload) -> Header:
    size, pieces = _read_binary(upload) if upload.format == "binary" else _read_json(upload)
    s = settings()
    expected = projects.find(upload.project_id).encoding_size_bytes
    check_encoding_size(size, s.min_encoding_size_bytes, s.max_encoding_size_bytes, expected)
    builder = HeaderBuilder(size)
    key = layout.encodings(upload.project_id, upload.upload_id)
    objects.write_stream(s.data_bucket, key, _described(pieces, builder))
    return builder.build()


def _described(pieces: Iterable[bytes], builder: HeaderBuilder) -> Iterator[bytes]:
    for piece in pieces:
        builder.update(piece)
        yield piece


def _read_binary(upload: Upload) -> tuple[int, Iterator[bytes]]:
    count, size = upload.encodings_count, upload.encoding_size_bytes
    if count is None or size is None:
        raise PermanentError("A binary upload needs its count and its encoding size")
    found = objects.size_of(upload.bucket, upload.object_key)
    if found != count * size:
        raise PermanentError(
            f"Expected {count} encodings of {size} bytes, {count * size} bytes in all; got {found} bytes"
        )
    return size, objects.read_pieces(upload.bucket, upload.object_key)


def _read_json(upload: Upload) -> tuple[int, Iterator[bytes]]:
    rows = read_json_encodings(objects.open_stream(upload.bucket, upload.object_key))
    first = next(rows)
    return len(first), repack(chain([first], rows))
