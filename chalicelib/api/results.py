"""Results, as the workflow rendered them: passed on if they fit one response, else from S3 directly."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.authorisation import owner_of_run
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response, see_other, text_response
from chalicelib.config import RESPONSE_LIMIT_BYTES, settings
from chalicelib.errors import NotFound, RequestError
from chalicelib.storage import direct_uploads, layout, objects
from chalicelib.storage.runs import Run

routes = Blueprint(__name__)


@endpoint(routes, "GET", "/projects/{project_id}/runs/{run_id}/result")
def get_result(request: Request, project_id: str, run_id: str) -> Response:
    """A large result is a redirect, or with ``?redirect=false`` its URL."""
    run = owner_of_run(request, project_id, run_id).run
    _check_completed(run)
    bucket, key = settings().data_bucket, layout.result(project_id, run_id)
    if objects.size_of(bucket, key) <= RESPONSE_LIMIT_BYTES:
        return text_response(objects.get(bucket, key).decode())
    url = direct_uploads.sign_download(bucket, key)
    return json_response({"url": url}) if request.query("redirect") == "false" else see_other(url)


def _check_completed(run: Run) -> None:
    if run.state == "error":
        raise RequestError(run.message)
    if run.state != "completed":
        raise NotFound("run is not complete")
