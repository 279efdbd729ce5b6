"""The ingest state machine: one upload becomes a data set, or is refused with a reason.

Whatever the upload's route and form, the same encodings and blocks give the same stored bytes
(``storage.layout`` names the files). What is stored as it came is copied within S3; all else streams
through a few buffers, and in a blocked project through files, so memory doesn't grow with the upload. The
database's ``accept`` is the commit; everything before it can be done again.
"""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.encodings import Header
from chalicelib.linkage.json_blocks import BLOCKING_DISABLED
from chalicelib.observability import count, identify
from chalicelib.storage import datasets, objects, projects, uploads
from chalicelib.storage.ages import age_seconds
from chalicelib.storage.datasets import NewDataset
from chalicelib.storage.uploads import Upload
from chalicelib.workflow import executions
from chalicelib.workflow.block_storing import store_in_block_order
from chalicelib.workflow.sources import open_sources
from chalicelib.workflow.task import Event, task
from chalicelib.workflow.upload_rows import can_be_copied, copy_rows, read_rows, write_rows

tasks = Blueprint(__name__)


@tasks.lambda_function()
@task
def ingest(event: Event) -> None:
    """Reads the raw upload, writes the data set, starts the runs that waited for it.

    A second call stores the same bytes under the same keys; after ``accept`` it only clears up
    and starts what is still waiting.
    """
    upload = uploads.find(event["upload_id"])
    identify(project_id=upload.project_id)
    if upload.state == "ingesting":
        if upload.time_delivered is not None:
            count("UploadWaitSeconds", age_seconds(upload.time_delivered))
        _store(upload)
    if upload.state != "error":
        datasets.discard_source(upload)
        executions.start_waiting_runs(upload.project_id)


def _store(upload: Upload) -> None:
    try:
        header = _write(upload)
        uploads.accept(upload.upload_id, header.count, header.encoding_size_bytes)
        count("UploadsIngested")
        count("RecordsIngested", header.count)
    except objects.NoSuchObject as error:
        raise PermanentError("The uploaded object is not there (any more); upload it again") from error
    except Gone:
        datasets.discard(upload)  # deleted while we wrote: leave nothing behind
        raise


def _write(upload: Upload) -> Header:
    project = projects.find(upload.project_id)
    dataset = NewDataset(upload)
    if project.uses_blocking:
        header = store_in_block_order(open_sources(upload), project, dataset)
    elif can_be_copied(upload):
        header = copy_rows(dataset, upload, project)
    else:
        sources = open_sources(upload)
        if sources.open_blocks is not None:
            raise PermanentError(BLOCKING_DISABLED)
        size, pieces = read_rows(sources, project, None)
        header = write_rows(dataset, size, pieces)
    dataset.finish(header.to_json())
    return header
