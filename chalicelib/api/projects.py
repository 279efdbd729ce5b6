"""Projects: what parties agree on, and what has become of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api import public_keys, work
from chalicelib.api.authorisation import owner, reader
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response, no_content, timestamp
from chalicelib.errors import BadRequest
from chalicelib.storage import projects
from chalicelib.storage.projects import DataProvider, Project

routes = Blueprint(__name__)

_POSTGRES_INTEGER_MAX = 2**31 - 1


@endpoint(routes, "GET", "/projects")
def list_projects(_request: Request) -> Response:
    active = projects.list_active()
    return json_response(
        [{"project_id": row["project_id"], "time_added": timestamp(row["time_added"])} for row in active]
    )


@endpoint(routes, "POST", "/projects")
def create_project(request: Request) -> Response:
    body = request.json("NewProject")
    _check_offered(body)
    project = projects.create(
        name=body["name"],
        notes=body["notes"],
        schema=body["schema"],
        result_type=body["result_type"],
        number_parties=int(body["number_parties"]),  # 2.0 is an integer, too, in JSON
        uses_blocking=body["uses_blocking"],
        encoding_size_bytes=encoding_size_of(body["schema"]),
        **_encryption(body),
    )
    tokens = {
        "project_id": project.project_id,
        "result_token": project.result_token,
        "update_tokens": project.update_tokens,
    }
    return json_response(tokens, HTTPStatus.CREATED)


@endpoint(routes, "GET", "/projects/{project_id}")
def get_project(request: Request, project_id: str) -> Response:
    project = reader(request, project_id)
    providers = projects.data_providers(project_id)
    return json_response(_description(project, providers, projects.parties_contributed(project_id)))


@endpoint(routes, "DELETE", "/projects/{project_id}")
def delete_project(request: Request, project_id: str) -> Response:
    """Nobody finds the project from here on; the purge removes what there is of it."""
    owner(request, project_id)
    projects.mark_deleted(project_id)
    work.start("purge_project", project_id)
    return no_content()


def encoding_size_of(schema: dict[str, Any]) -> int | None:
    """The encoding size in bytes that a linkage schema fixes (``clkConfig.l`` is in bits), if it does."""
    config = schema.get("clkConfig")
    bits = config.get("l") if isinstance(config, dict) else None
    if not isinstance(bits, int) or isinstance(bits, bool) or bits % 8:
        return None
    return bits // 8 if 0 < bits // 8 <= _POSTGRES_INTEGER_MAX else None


def refusals(providers: list[DataProvider]) -> list[dict[str, Any]]:
    """Why parties' latest uploads were refused, by dataset index."""
    return [
        {"dataset_index": provider.dataset_index, "message": provider.error}
        for provider in providers
        if provider.upload_state == "error"
    ]


def _check_offered(body: dict[str, Any]) -> None:
    if body["number_parties"] > 2 and body["result_type"] != "groups":
        raise BadRequest("Multi-party linkage requires result type 'groups'.")


def _encryption(body: dict[str, Any]) -> dict[str, Any]:
    """Keys are for masks: other projects don't keep them."""
    if body["result_type"] != projects.ENCRYPTED:
        return {}
    return public_keys.checked(body.get("public_key"), body.get("paillier_context"))


def _description(project: Project, providers: list[DataProvider], contributed: int) -> dict[str, Any]:
    errors = refusals(providers)
    description = {
        "project_id": project.project_id,
        "parties_contributed": contributed,
        "schema": project.schema,
        "result_type": project.result_type,
        "number_parties": project.number_parties,
        "name": project.name,
        "notes": project.notes,
        "uses_blocking": project.uses_blocking,
        "error": bool(errors),
    }
    if project.has_encrypted_mask:
        description |= {"public_key": project.public_key, "paillier_context": project.paillier_context}
    return {**description, "error_messages": errors} if errors else description
