"""From API Gateway's greedy route to ours: finds the route by the path and tells Chalice of it.

Behind a greedy route API Gateway leaves the routing to the function, but Chalice looks its routes up by
``requestContext.resourcePath``. So the path is matched here, which also gives unknown paths, wrong
methods, wrong content types and doubled slashes the same answers locally and in the cloud. The events
of Chalice's own local gateway and test client pass as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Response

from chalicelib.api.requests import missing_header
from chalicelib.errors import MethodNotAllowed, NotFound, UnsupportedMediaType

Event = dict[str, Any]
Routes = Mapping[str, Mapping[str, Any]]  # path → method → Chalice's RouteEntry

# What Chalice reads without asking whether it is there.
_DEFAULTS: Event = {"body": None, "multiValueQueryStringParameters": None, "stageVariables": None}


@dataclass(frozen=True)
class Match:
    """The route of an event, and the event as Chalice wants it, or the answer if there is nothing to call."""

    path: str
    event: Event
    immediate: Event | None = None


class WrongMethod(MethodNotAllowed):
    """The path is there, the method isn't; ``allow`` lists those that are."""

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"{method} is not allowed here; {allow} are")
        self.headers = {"Allow": allow}


def match(event: Event, routes: Routes) -> Match:
    """Raises NotFound, MethodNotAllowed, BadRequest without a token, or UnsupportedMediaType."""
    path, parameters = _find(_segments(event), routes)
    method = method_of(event)
    entries = routes[path]
    allow = ", ".join(_allowed(entries))
    if method == "OPTIONS":
        return Match(path, event, Response("", {"Allow": allow}, 204).to_dict())
    if method == "HEAD" and "GET" in entries:
        method = "GET"
    if method not in entries:
        raise WrongMethod(method, allow)
    if parameters and not _plain_headers(event).get("authorization"):
        # All that lies below an id is somebody's: nothing else is looked at before the token.
        raise missing_header("Authorization")
    headers = _headers(event, method, entries[method].content_types)
    context = {**event.get("requestContext", {}), "resourcePath": path, "httpMethod": method}
    routed = {
        **_DEFAULTS,
        **event,
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": context,
    }
    return Match(path, routed)


def method_of(event: Event) -> str:
    method: str = event.get("httpMethod") or event.get("requestContext", {}).get("httpMethod", "")
    return method


def without_body(answer: Event) -> Event:
    return {**answer, "body": ""}


def _segments(event: Event) -> list[str]:
    # The greedy parameter first: behind a custom domain event["path"] holds the domain's base path, too.
    path = (event.get("pathParameters") or {}).get("proxy") or event.get("path")
    if path is None:
        path = event.get("requestContext", {}).get("path", "")
    return _split(path)


def _split(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _find(segments: list[str], routes: Routes) -> tuple[str, dict[str, str]]:
    for route in routes:
        parameters = _parameters(_split(route), segments)
        if parameters is not None:
            return route, parameters
    raise NotFound("There is nothing at this URL")


def _parameters(route: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(route) != len(segments):
        return None
    parameters = {}
    for expected, found in zip(route, segments, strict=True):
        if expected.startswith("{"):
            parameters[expected.strip("{}")] = found
        elif expected != found:
            return None
    return parameters


def _allowed(entries: Mapping[str, Any]) -> list[str]:
    return sorted({*entries, "OPTIONS", *(["HEAD"] if "GET" in entries else [])})


def _plain_headers(event: Event) -> dict[str, str]:
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _headers(event: Event, method: str, content_types: list[str]) -> dict[str, str]:
    """The request's headers, with the two that Chalice judges by put so that it has no objection.

    Chalice refuses some content types that mean the same, and those of a GET, with answers of its own.
    """
    headers = _plain_headers(event)
    # Without one, Chalice takes a body for JSON, and so do we.
    given = headers.pop("content-type", "application/json").partition(";")[0].strip().lower()
    if method != "GET" and method != "DELETE" and given not in content_types:
        raise UnsupportedMediaType(
            f"The content type must be {' or '.join(content_types)}, not {given[:100]}"
        )
    return {**headers, "content-type": content_types[0], "accept": "*/*"}
