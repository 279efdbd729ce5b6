"""Answers: JSON, redirects, and the one place that turns errors into problem+json (RFC 9457)."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.errors import ContentTooLarge, Gone, RequestError, StoreUnavailable
from chalicelib.observability import count, logger

# The same words for what doesn't exist and for what isn't the asker's: nobody can probe for ids.
ACCESS_DENIED = "Invalid access token or project doesn't exist"
_RETRY_AFTER_SECONDS = 2
_NEWER_TITLES = {ContentTooLarge.status: "Content Too Large"}  # RFC 9110's; Python 3.11 has the one before


def json_response(body: Any, status: int = HTTPStatus.OK) -> Response:
    return text_response(json.dumps(body, separators=(",", ":")), status)


def text_response(body: str, status: int = HTTPStatus.OK) -> Response:
    """``body`` is JSON already."""
    return Response(body, {"Content-Type": "application/json"}, int(status))


def no_content() -> Response:
    return Response("", {}, int(HTTPStatus.NO_CONTENT))


def see_other(url: str) -> Response:
    return Response("", {"Location": url}, int(HTTPStatus.SEE_OTHER))


def timestamp(time: datetime) -> str:
    """Naive UTC, with microseconds also where they are 0."""
    return time.isoformat(timespec="microseconds")


def from_error(error: Exception) -> Response:
    """The answer to a request that ended in ``error``, by the error's family."""
    if isinstance(error, RequestError):
        return _problem(error.status, str(error), _headers(error))
    if isinstance(error, Gone):
        return _problem(HTTPStatus.FORBIDDEN, ACCESS_DENIED)
    reference = secrets.token_hex(6)
    count("UnforeseenErrors", function="api")
    logger.error("unforeseen failure", extra={"reference": reference}, exc_info=error)
    detail = f"The request failed with an internal server error. Reference for the operator: {reference}"
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _headers(error: RequestError) -> dict[str, str]:
    if isinstance(error, StoreUnavailable):
        return {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    headers: dict[str, str] = getattr(error, "headers", {})
    return headers


def _problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> Response:
    title = _NEWER_TITLES.get(status, status.phrase)
    problem = {"type": "about:blank", "title": title, "status": int(status), "detail": detail}
    return Response(
        json.dumps(problem), {"Content-Type": "application/problem+json", **(headers or {})}, int(status)
    )
