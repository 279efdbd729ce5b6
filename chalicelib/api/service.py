"""The service about itself: whether it works, its versions, its description."""

from __future__ import annotations

import sys
from functools import cache
from importlib import metadata
from typing import Any

from chalice.app import Blueprint, Response

import chalicelib
from chalicelib.api import schemas
from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request
from chalicelib.api.responses import json_response
from chalicelib.storage import cache as redis_cache
from chalicelib.storage import projects, runs

routes = Blueprint(__name__)


@endpoint(routes, "GET", "/status")
def get_status(_request: Request) -> Response:
    """At most half a minute old."""
    status = redis_cache.get_status()
    if status is None:
        status = _status()
        redis_cache.put_status(status)
    return json_response(status)


def _status() -> dict[str, Any]:
    rate = runs.latest_rate()
    return {
        "status": "ok",
        "project_count": projects.count_active(),
        "rate": max(1, round(rate)) if rate else 1,
    }


@endpoint(routes, "GET", "/version")
def get_version(_request: Request) -> Response:
    versions = {
        "anonlink": _version_of("anonlink"),
        "entityservice": chalicelib.__version__,
        "kernel": _kernel(),
        "python": sys.version.split()[0],
    }
    return json_response(versions)


def _kernel() -> str:
    """What compares, where the functions that compare have the packages that this one has."""
    ours = _version_of("dice-kernel")
    return f"anonlink {_version_of('anonlink')}" if ours == "unknown" else f"dice-kernel {ours}"


@cache
def _version_of(package: str) -> str:
    # From its metadata: importing it would bring numpy into a function that never computes.
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


@endpoint(routes, "GET", "/openapi.json")
def get_openapi(_request: Request) -> Response:
    return json_response(schemas.document())
