"""Runs: one linkage of a project with one threshold, and how far it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api import work
from chalicelib.api.authorisation import owner, owner_of_run, reader_of_run
from chalicelib.api.endpoint import endpoint
from chalicelib.api.projects import refusals
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response, no_content, timestamp
from chalicelib.api.run_status import describe
from chalicelib.errors import BadRequest
from chalicelib.storage import deleted_runs, projects, runs
from chalicelib.storage.runs import Run

routes = Blueprint(__name__)


@endpoint(routes, "GET", "/projects/{project_id}/runs")
def list_runs(request: Request, project_id: str) -> Response:
    owner(request, project_id)
    return json_response(
        [
            {"run_id": run.run_id, "time_added": timestamp(run.time_added), "state": run.state}
            for run in runs.list_active(project_id)
        ]
    )


@endpoint(routes, "POST", "/projects/{project_id}/runs")
def create_run(request: Request, project_id: str) -> Response:
    """The run starts at once, or when the last party's data is ready."""
    body = request.json("NewRun")
    owner(request, project_id)
    _check_uploads(project_id)
    run = runs.create(project_id, threshold=float(body["threshold"]), name=body["name"], notes=body["notes"])
    work.start_waiting_runs(project_id)
    return json_response(_as_json(run), HTTPStatus.CREATED)


@endpoint(routes, "GET", "/projects/{project_id}/runs/{run_id}")
def get_run(request: Request, project_id: str, run_id: str) -> Response:
    return json_response(_as_json(owner_of_run(request, project_id, run_id).run))


@endpoint(routes, "DELETE", "/projects/{project_id}/runs/{run_id}")
def delete_run(request: Request, project_id: str, run_id: str) -> Response:
    """Nobody finds the run from here on; the purge removes what there is of it."""
    owner_of_run(request, project_id, run_id)
    deleted_runs.mark(run_id)
    work.start("purge_run", run_id)
    return no_content()


@endpoint(routes, "GET", "/projects/{project_id}/runs/{run_id}/status")
def get_run_status(request: Request, project_id: str, run_id: str) -> Response:
    run, _ = reader_of_run(request, project_id, run_id)
    return json_response(describe(run))


def _check_uploads(project_id: str) -> None:
    for refusal in refusals(projects.data_providers(project_id)):
        raise BadRequest(
            f"The upload of data set {refusal['dataset_index']} was refused: {refusal['message']}."
            " Its party has to upload again first."
        )


def _as_json(run: Run) -> dict[str, Any]:
    return {"run_id": run.run_id, "threshold": run.threshold, "name": run.name, "notes": run.notes}
