"""Who is asking: the owner by the result token, a party by its update token, or by its receipt token.

A receipt token reads what there is to read of a project whose result is one for each party
(``permutations``), and nothing of another. What doesn't exist and what belongs to somebody else are
refused in the same words.
"""

from __future__ import annotations

import re
from typing import TypeVar

from chalicelib.api.requests import Request
from chalicelib.api.responses import ACCESS_DENIED
from chalicelib.errors import Forbidden
from chalicelib.observability import identify
from chalicelib.storage import asked_runs, projects, uploads
from chalicelib.storage.asked_runs import OwnedRun
from chalicelib.storage.projects import DataProvider, Project
from chalicelib.storage.uploads import Upload

Found = TypeVar("Found")

_ID_OR_TOKEN = re.compile("[0-9a-f]{48}")


def owner(request: Request, project_id: str) -> Project:
    """The project, for its owner. Raises BadRequest without a token, Forbidden with another."""
    token = _token(request, project_id)
    return _found(projects.find_by_result_token(project_id, token), project_id)


def owner_of_run(request: Request, project_id: str, run_id: str) -> OwnedRun:
    """The run and what its answers depend on, for the project's owner. One query."""
    token = _token(request, project_id, run_id)
    return _found(asked_runs.find_by_result_token(project_id, run_id, token), project_id, run_id)


def reader(request: Request, project_id: str) -> Project:
    """The project, for its owner or, where the result is for the parties, for one by its receipt token.

    Raises as ``owner``. One query.
    """
    token = _token(request, project_id)
    return _found(projects.find_by_reading_token(project_id, token), project_id)


def reader_of_run(request: Request, project_id: str, run_id: str) -> tuple[OwnedRun, int | None]:
    """As ``owner_of_run`` for all that ``reader`` admits, and who it is: a party's dataset index, or
    None for the owner. One query."""
    token = _token(request, project_id, run_id)
    return _found(asked_runs.find_by_reading_token(project_id, run_id, token), project_id, run_id)


def party(request: Request, project_id: str) -> tuple[Project, DataProvider]:
    """The project and the data provider whose update token the request has."""
    token = _token(request, project_id)
    return _found(projects.find_by_update_token(project_id, token), project_id)


def party_of_upload(request: Request, project_id: str, upload_id: str) -> tuple[DataProvider, Upload]:
    """An upload, for the party that began it."""
    _token(request, project_id, upload_id)
    _, provider = party(request, project_id)
    upload = uploads.find(upload_id)  # Gone is answered like a wrong token
    if upload.dp_id != provider.dp_id:
        raise Forbidden(ACCESS_DENIED)
    identify(upload_id=upload_id)
    return provider, upload


def _token(request: Request, *ids: str) -> str:
    token = request.header("Authorization")
    # Anything else was never given out, and may hold what no database takes.
    if not all(map(_ID_OR_TOKEN.fullmatch, (token, *ids))):
        raise Forbidden(ACCESS_DENIED)
    return token


def _found(found: Found | None, project_id: str, run_id: str | None = None) -> Found:
    if found is None:
        raise Forbidden(ACCESS_DENIED)
    identify(project_id=project_id, run_id=run_id)
    return found
