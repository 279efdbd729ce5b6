"""The API's description for people: a page that renders ``/openapi.json``, and the script it needs.

Everything comes from the service itself: the page works where nothing else can be reached, and tells
nobody that it was read. The files are read when they are first asked for.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from chalice.app import Blueprint, Response

from chalicelib.api.endpoint import endpoint
from chalicelib.api.requests import Request

routes = Blueprint(__name__)

SCRIPT = "redoc-2.5.4.js"
_STATIC = Path(__file__).with_name("static")
_INLINE_SCRIPT = re.compile("<script>(.*?)</script>", re.DOTALL)
_MAX_AGE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class _File:
    text: str
    etag: str  # with its quotation marks, as in the header


@endpoint(routes, "GET", "/")
def get_root_page(request: Request) -> Response:
    return _page(request)


@endpoint(routes, "GET", "/api/v1")
def get_page(request: Request) -> Response:
    return _page(request)


@endpoint(routes, "GET", f"/api/v1/{SCRIPT}")
def get_script(request: Request) -> Response:
    """Its name holds its version, so what a browser has of it never ages."""
    headers = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}, immutable",
    }
    return _answer(request, _file(SCRIPT), headers)


def _page(request: Request) -> Response:
    page = _file("index.html")
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-cache",  # ask each time whether the ETag is still the same
        "Content-Security-Policy": _policy(page.text),
        "Referrer-Policy": "no-referrer",
    }
    return _answer(request, page, headers)


def _answer(request: Request, file: _File, headers: dict[str, str]) -> Response:
    all_headers: dict[str, str | list[str]] = {
        **headers,
        "ETag": file.etag,
        "X-Content-Type-Options": "nosniff",
    }
    if file.etag in request.optional_header("If-None-Match"):
        return Response("", all_headers, int(HTTPStatus.NOT_MODIFIED))
    return Response(file.text, all_headers, int(HTTPStatus.OK))


@cache
def _policy(page: str) -> str:
    """A Content-Security-Policy: this service only, and of scripts in the page only its own."""
    script = _INLINE_SCRIPT.findall(page)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'unsafe-inline'",  # the script makes its styles as it goes
            "img-src data:",
            "connect-src 'self'",
            "worker-src blob:",  # the search is a worker that the script makes
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


@cache
def _file(name: str) -> _File:
    content = (_STATIC / name).read_bytes()
    return _File(content.decode(), f'"{hashlib.sha256(content).hexdigest()[:32]}"')
