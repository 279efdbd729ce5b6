"""Results: as the workflow rendered them, or in another form that a function makes when it is asked for.

Passed on if they fit one response, else from S3 directly.
"""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api.authorisation import reader_of_run
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response, see_other
from chalicelib.api.result_forms import redirects, requested_form
from chalicelib.config import RESPONSE_LIMIT_BYTES, settings
from chalicelib.errors import BadRequest, Forbidden, Gone, NotFound, PermanentError, RequestError
from chalicelib.storage import direct_uploads, functions, layout, objects, projects
from chalicelib.storage.asked_runs import OwnedRun
from chalicelib.storage.credentials import address, read_credentials
from chalicelib.storage.runs import Run
from chalicelib.workflow.forms import Form

routes = Blueprint(__name__)

_PATH = "/projects/{project_id}/runs/{run_id}/result"


@endpoint(routes, "GET", _PATH)
def get_result(request: Request, project_id: str, run_id: str) -> Response:
    """A large result is a redirect, or with ``?redirect=false`` its URL.

    The owner's, and for permutations each party's own; of similarity scores also the address of the
    candidate file with credentials that read it alone.
    """
    owned, dataset_index = reader_of_run(request, project_id, run_id)
    form, is_redirect = requested_form(request, owned.result_type), redirects(request)
    if dataset_index is None and owned.result_type == projects.ENCRYPTED:
        raise Forbidden("The result of this project is for its parties, by their receipt tokens")
    _check_completed(owned.run)
    if owned.result_type == "similarity_scores":
        if request.optional_header("RETURN-OBJECT-STORE-ADDRESS"):
            return json_response(_object_address(project_id, run_id))
        if form.format == "binary":
            return _elsewhere(layout.merged(project_id, run_id), form, is_redirect)
    if form == Form():
        return _stored(_key(project_id, run_id, dataset_index), is_redirect)
    return _view(owned, form, is_redirect)


def _check_completed(run: Run) -> None:
    if run.state == "error":
        raise RequestError(run.message)
    if run.state != "completed":
        raise NotFound("run is not complete")


def _key(project_id: str, run_id: str, dataset_index: int | None) -> str:
    if dataset_index is None:
        return layout.result(project_id, run_id)
    return layout.permutation_result(project_id, run_id, dataset_index)


def _stored(key: str, is_redirect: bool) -> Response:
    bucket = settings().data_bucket
    try:
        if objects.size_of(bucket, key) > RESPONSE_LIMIT_BYTES:
            return _elsewhere(key, Form(), is_redirect)
        return _text(objects.get(bucket, key).decode(), Form())
    except objects.NoSuchObject as error:
        raise Gone("the run was deleted") from error


def _view(owned: OwnedRun, form: Form, is_redirect: bool) -> Response:
    project_id, run_id = owned.run.project_id, owned.run.run_id
    key = layout.view(project_id, run_id, form.name)
    if form.limit is None and objects.exists(settings().data_bucket, key):
        return _elsewhere(key, form, is_redirect)
    event = {
        "project_id": project_id,
        "run_id": run_id,
        "result_type": owned.result_type,
        "form": form.to_dict(),
        "path": "/api/v1" + _PATH.format(project_id=project_id, run_id=run_id),
    }
    try:
        answer = functions.call("render", event)
    except PermanentError as error:
        raise BadRequest(str(error)) from error
    if "text" in answer:
        return _text(answer["text"], form, answer["next"])
    return _elsewhere(answer["key"], form, is_redirect, answer["next"])


def _object_address(project_id: str, run_id: str) -> dict[str, Any]:
    bucket, key = settings().data_bucket, layout.merged(project_id, run_id)
    credentials = read_credentials(bucket, key, session_name=run_id)
    return {"credentials": credentials, "object": address(bucket, key)}


def _elsewhere(key: str, form: Form, is_redirect: bool, next_page: str | None = None) -> Response:
    url = direct_uploads.sign_download(settings().data_bucket, key, form.content_type)
    if is_redirect:
        return _linked(see_other(url), next_page)
    return _linked(json_response({"url": url} | ({"next": next_page} if next_page else {})), next_page)


def _text(text: str, form: Form, next_page: str | None = None) -> Response:
    return _linked(Response(text, {"Content-Type": form.content_type}, 200), next_page)


def _linked(response: Response, next_page: str | None) -> Response:
    if next_page is not None:
        response.headers["Link"] = f'<{next_page}>; rel="next"'
    return response
