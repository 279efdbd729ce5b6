"""A blocked project's upload, stored in block order (``linkage.blocking`` says what that is).

Rows of one block come from anywhere in the upload, so the encodings and who is in which block go into
temporary files first. These have no name: they vanish with the process, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import numpy as np

from chalicelib.linkage.block_order import InvalidBlocks, Memberships
from chalicelib.linkage.encodings import Encodings, Header, InvalidEncodings
from chalicelib.linkage.json_blocks import BLOCKING_EXPECTED, read_json_blocks
from chalicelib.storage.datasets import NewDataset
from chalicelib.storage.projects import Project
from chalicelib.workflow.sources import Sources
from chalicelib.workflow.upload_rows import read_rows, write_rows

# The function has 10 GB of disk; a membership takes 36 bytes of it, and there are 50,000,000 at most.
MAX_ENCODINGS_BYTES = 8_000_000_000


def store_in_block_order(sources: Sources, project: Project, dataset: NewDataset) -> Header:
    """Write the data set's three files; returns the header, which counts records and stored rows.

    Raises InvalidEncodings and InvalidBlocks for what the project cannot take.
    """
    with TemporaryFile() as rows_file, TemporaryFile() as memberships_file:
        memberships = Memberships(cast(BinaryIO, memberships_file))
        size, pieces = read_rows(sources, project, memberships)
        count = _spool(pieces, cast(BinaryIO, rows_file)) // size
        if sources.open_blocks is not None:
            read_json_blocks(sources.open_blocks().body, memberships)
        if not memberships.is_received:
            raise InvalidBlocks(BLOCKING_EXPECTED)
        order = memberships.block_order(count)
        in_record_order: Encodings = np.memmap(rows_file, np.uint8, "r", shape=(count, size))
        header = write_rows(dataset, size, order.encodings(in_record_order), count)
        dataset.write("rows", order.row_numbers())
        dataset.write("blocks", order.index())
        return header


def _spool(pieces: Iterable[bytes], file: BinaryIO) -> int:
    """The number of bytes written."""
    written = 0
    for piece in pieces:
        written += len(piece)
        if written > MAX_ENCODINGS_BYTES:
            raise InvalidEncodings(
                f"a data set with blocks can have at most {MAX_ENCODINGS_BYTES} bytes of encodings"
            )
        file.write(piece)
    file.flush()
    return written
