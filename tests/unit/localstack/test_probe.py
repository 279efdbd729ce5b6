"""Asking whether something answers, and waiting until it does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from localstack import probe
from localstack.errors import StackError
from localstack.probe import answers, await_answer
from localstack.settings import HOST


class Server(HTTPServer):
    """Answers each request by the next of ``statuses``, the last one for ever; None hangs up."""

    statuses: list[int | None]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/status"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        if status:
            self.send_response(status)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server((HOST, 0), Handler) as running:
        running.statuses = [200]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "expected"), [(200, True), (204, False), (503, False), (None, False)])
def test_only_200_is_an_answer(server: Server, status: int | None, expected: bool) -> None:
    server.statuses = [status]

    assert answers(server.url) is expected


def test_nobody_there_is_no_answer(server: Server) -> None:
    url = server.url
    server.server_close()

    assert not answers(url)


def test_no_proxy_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://{HOST}:9")  # where nobody listens
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert answers(server.url)


def test_waiting_ends_with_the_first_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_POLL_SECONDS", 0)
    server.statuses = [503, None, 503, 200, 500]

    await_answer(server.url, 60)

    assert server.statuses == [500]


def test_waiting_in_vain_says_for_what_and_how_long(server: Server) -> None:
    server.statuses = [503]

    with pytest.raises(StackError, match=f"no answer from {server.url} in 0 s"):
        await_answer(server.url, 0)
