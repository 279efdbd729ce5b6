"""What a run would find and cost, asked before there is any."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api.authorisation import owner
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response
from chalicelib.errors import BadRequest, PermanentError
from chalicelib.storage import functions, projects

routes = Blueprint(__name__)


@endpoint(routes, "POST", "/projects/{project_id}/estimate")
def create_estimate(request: Request, project_id: str) -> Response:
    """Takes a second or two: a function compares a sample of the records."""
    body = request.json("NewEstimate")
    owner(request, project_id)
    _check_ready(project_id)
    event: dict[str, Any] = {"project_id": project_id, "threshold": body.get("threshold")}
    try:
        return json_response(functions.call("estimate", event))
    except PermanentError as error:
        raise BadRequest(str(error)) from error


def _check_ready(project_id: str) -> None:
    missing = [
        str(provider.dataset_index)
        for provider in projects.data_providers(project_id)
        if provider.upload_state != "done"
    ]
    if missing:
        raise BadRequest(
            f"An estimate needs the data of all parties; not ready yet: data set {', '.join(missing)}"
        )
