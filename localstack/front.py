"""The API's own port: what API Gateway does before it calls a function.

An ASGI application around MiniStack's. Requests on the API's port get the prefix of the REST API's stage
put before their path, so that clients see ``http://127.0.0.1:8851/api/v1/…``; requests on the other
port pass untouched.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable

# The parts of an ASGI scope that matter here; hypercorn's union of TypedDicts says less than this.
Scope = dict[str, Any]

BODY_LIMIT_BYTES = 10 * 1024 * 1024  # API Gateway's
# A client that is still sending sees a broken connection instead of our answer; so what is
# under way is taken and dropped, up to this.
_DRAIN_LIMIT_BYTES = 64 * 1024 * 1024
_TOO_LARGE = {
    "type": "about:blank",
    "title": "Content Too Large",
    "status": 413,
    "detail": f"A request carries {BODY_LIMIT_BYTES // 1024**2} MB at most; "
    "for more use POST /api/v1/projects/{project_id}/uploads, which gives a URL to upload to.",
}


class BodyTooLarge(Exception):
    """The body is larger than API Gateway takes."""


class Front:
    """Routes by port. ``concurrency`` requests at a time reach the function, the others wait."""

    def __init__(self, application: Any, port: int, prefix: str, concurrency: int) -> None:
        self._application = application
        self._port = port
        self._prefix = prefix
        self._slots = asyncio.Semaphore(concurrency)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        server = scope.get("server")
        if scope["type"] == "http" and server and server[1] == self._port:
            await self._call_api(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _call_api(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        try:
            body = await _read_body(scope, receive)
        except BodyTooLarge:
            await _refuse(send)
            return
        raw_path = scope.get("raw_path") or scope["path"].encode()
        scope = scope | {
            "path": self._prefix + scope["path"],
            "raw_path": self._prefix.encode() + raw_path,
        }
        async with self._slots:
            await self._application(scope, _replay(body, receive), send)


async def _read_body(scope: Scope, receive: ASGIReceiveCallable) -> bytes:
    declared = int(dict(scope["headers"]).get(b"content-length", b"0"))
    chunks: list[bytes] = []
    size_bytes = 0
    more = True
    while more:
        message: Any = await receive()
        chunk = message.get("body", b"")
        size_bytes += len(chunk)
        if max(declared, size_bytes) <= BODY_LIMIT_BYTES:
            chunks.append(chunk)
        else:
            chunks.clear()
        if max(declared, size_bytes) > _DRAIN_LIMIT_BYTES:
            break
        more = message.get("more_body", False)
    if max(declared, size_bytes) > BODY_LIMIT_BYTES:
        raise BodyTooLarge
    return b"".join(chunks)


def _replay(body: bytes, receive: ASGIReceiveCallable) -> Any:
    """A ``receive`` that gives the whole body first, then whatever comes (the disconnect)."""
    pending: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return pending.pop() if pending else await receive()

    return replayed


async def _refuse(send: ASGISendCallable) -> None:
    body = json.dumps(_TOO_LARGE).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    start: Any = {"type": "http.response.start", "status": 413, "headers": headers}
    end: Any = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(end)
