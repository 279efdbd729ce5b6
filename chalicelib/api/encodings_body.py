"""The JSON body of an upload: what form the encodings have in it, and whether they can be that.

The schema ``EncodingsUpload`` has been applied; here is what it can't say. Of a body with hundreds of
thousands of rows each is looked at once.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import BadRequest
from chalicelib.storage.references import File

_RECORD_INDEX = re.compile("0|[1-9][0-9]{0,9}")  # one spelling each


@dataclass(frozen=True)
class Offer:
    """What the body brings: encodings in itself ("json"), or where they lie ("reference")."""

    format: str
    has_blocks: bool
    is_empty: bool
    files: tuple[File, ...] = ()


def read_offer(body: dict[str, Any]) -> Offer:
    """Raises BadRequest, naming a row at most by its number, for what can't be ingested in any project."""
    encodings, blocks = body.get("encodings"), body.get("blocks")
    if blocks is not None and encodings is None:
        raise BadRequest("'blocks' go with 'encodings'; in 'clknblocks' each row has its own")
    if isinstance(encodings, dict):
        return _reference(encodings, blocks)
    if blocks is not None and "file" in blocks:
        raise BadRequest("A file of blocks goes with a file of encodings")
    if "clknblocks" in body:
        rows = [row[0] for row in body["clknblocks"]]
        _check_base64(rows)
        return Offer("json", has_blocks=True, is_empty=not rows)
    rows = body["clks"] if encodings is None else encodings
    _check_base64(rows)
    _check_record_indices(blocks or (), len(rows))
    return Offer("json", has_blocks=blocks is not None, is_empty=not rows)


def _reference(encodings: dict[str, Any], blocks: dict[str, Any] | None) -> Offer:
    references = [encodings]
    if blocks is not None and "file" in blocks:
        references.append(blocks)
    elif blocks is not None:
        _check_record_indices(blocks)
    for reference in references:
        if "endpoint" in reference["file"] and "credentials" not in reference:
            raise BadRequest("A file at an 'endpoint' needs the 'credentials' to read it")
    files = tuple(reference["file"] for reference in references)
    return Offer("reference", has_blocks=blocks is not None, is_empty=False, files=files)


def _check_record_indices(keys: Iterable[str], count: int | None = None) -> None:
    for key in keys:
        if not _RECORD_INDEX.fullmatch(key):
            raise BadRequest("The keys of 'blocks' must be record indices: whole numbers from 0")
        if count is not None and int(key) >= count:
            raise BadRequest(f"'blocks' has the record index {key}, but there are only {count} encodings")


def _check_base64(rows: list[Any]) -> None:
    for number, row in enumerate(rows):
        if not isinstance(row, str) or not _is_base64(row):
            raise BadRequest(f"The encoding in row {number} is not valid base64")


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return "\n" in text and _is_base64("".join(text.split()))  # older clients break lines
    return True
