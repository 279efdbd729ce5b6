"""The API's own port: where requests go, and what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from localstack.front import BODY_LIMIT_BYTES, Front

API_PORT = 8851


class Recorder:
    """An ASGI application that notes what reaches it."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})


def call(port: int, chunks: list[bytes], headers: list[tuple[bytes, bytes]]) -> tuple[Recorder, list[Any]]:
    """One POST through the front: what the application saw, what was sent back."""
    application = Recorder()
    sent: list[Any] = []
    messages = [
        {"type": "http.request", "body": chunk, "more_body": i < len(chunks) - 1}
        for i, chunk in enumerate(chunks)
    ]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "server": ("127.0.0.1", port), "path": "/api/v1/a b", "raw_path": b"/api/v1/a%20b",
        "headers": headers,
    }  # fmt: skip
    asyncio.run(Front(application, API_PORT, "/prefix", 2)(scope, receive, send))  # type: ignore[arg-type]
    return application, sent


def test_request_on_the_apis_port_gets_the_prefix_and_its_whole_body() -> None:
    application, _ = call(API_PORT, [b"ab", b"cd"], [])

    assert application.scope["path"] == "/prefix/api/v1/a b"
    assert application.scope["raw_path"] == b"/prefix/api/v1/a%20b"
    assert application.body == b"abcd"


def test_request_on_the_other_port_passes_untouched() -> None:
    application, _ = call(API_PORT + 1, [b"ab"], [])

    assert application.scope["path"] == "/api/v1/a b"


def test_body_of_exactly_the_limit_passes() -> None:
    application, _ = call(API_PORT, [b"x" * BODY_LIMIT_BYTES], [])

    assert len(application.body) == BODY_LIMIT_BYTES


@pytest.mark.parametrize(
    ("chunks", "headers"),
    [
        ([b"x" * BODY_LIMIT_BYTES, b"x"], []),
        ([b""], [(b"content-length", str(BODY_LIMIT_BYTES + 1).encode())]),
        ([b"x", b"never read"], [(b"content-length", b"9" * 12)]),
    ],
    ids=["chunked", "declared", "enormous"],
)
def test_larger_body_is_refused_before_the_application(chunks: list[bytes], headers: Any) -> None:
    application, sent = call(API_PORT, chunks, headers)

    assert application.scope == {}
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["status"] == 413
