"""Temporary credentials, with which a party puts its files into the object store by itself.

It then names them in ``POST …/clks``. The folder is the party's own; nothing in it can be read back
with these credentials.
"""

from __future__ import annotations

from http import HTTPStatus

from chalice.app import Blueprint, Response

from chalicelib.api.authorisation import party
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response
from chalicelib.config import settings
from chalicelib.errors import Forbidden
from chalicelib.storage import credentials, layout

routes = Blueprint(__name__)


@endpoint(routes, "GET", "/projects/{project_id}/authorize-external-upload")
def authorize_external_upload(request: Request, project_id: str) -> Response:
    """Safe to repeat, also after an upload: what nobody names in one goes with the project."""
    _, provider = party(request, project_id)
    if not settings().offer_upload_credentials:
        raise Forbidden(
            "This service does not give out credentials for its object store; use"
            " POST /api/v1/projects/{project_id}/uploads, which gives URLs to upload to,"
            " or POST /api/v1/projects/{project_id}/clks"
        )
    bucket = settings().upload_bucket
    folder = layout.party_folder(project_id, provider.dp_id)
    answer = {
        "credentials": credentials.upload_credentials(bucket, folder, provider.dp_id),
        "upload": credentials.address(bucket, folder),
    }
    return json_response(answer, HTTPStatus.CREATED)
