"""The demo's client, against a server that says what it is told to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from demo import client as client_module
from demo.client import Client, Project
from demo.errors import DemoError

PROJECT = Project("p1", "result-token", ["update-a", "update-b"])


class Server:
    """Answers each request with the next of ``answers``: (status, JSON or None, headers)."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object, dict[str, str]]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.requests.append((self.command, self.path, dict(self.headers), body))
                status, content, headers = server.answers.pop(0)
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: object) -> None:
                pass

        for method in ("GET", "POST", "PUT"):
            setattr(Handler, f"do_{method}", Handler._answer)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def will_answer(self, status: int, content: object = None, **headers: str) -> None:
        self.answers.append((status, content, headers))

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(client_module, "_POLL_MIN_SECONDS", 0.001)
    return Client(server.url)


def test_a_busy_service_is_asked_again(server, client):
    server.will_answer(503, {"detail": "busy"})
    server.will_answer(503, {"detail": "busy"})
    server.will_answer(201, {"run_id": "r1"})

    assert client.post_run(PROJECT, 0.8) == "r1"
    assert len(server.requests) == 3


def test_a_service_that_stays_busy_is_given_up(server, client):
    for _ in range(6):
        server.will_answer(503, {"detail": "The database is not available"})

    with pytest.raises(DemoError, match="503 The database is not available"):
        client.check()


def test_a_refusal_says_why(server, client):
    server.will_answer(403, {"detail": "This token has already been used to upload clks."})

    with pytest.raises(DemoError, match="403 This token has already been used"):
        client.upload_inline(PROJECT, 1, bytes(128), 128)


def test_a_service_that_is_not_there_says_what_to_do():
    with pytest.raises(DemoError, match="make serve"):
        Client("http://127.0.0.1:9").check()


def test_an_inline_upload_declares_its_count_and_size(server, client):
    server.will_answer(201, {"receipt_token": "t"})

    client.upload_inline(PROJECT, 1, bytes(256), 128)

    _, path, headers, body = server.requests[0]
    assert path == "/api/v1/projects/p1/binaryclks"
    assert (headers["Hash-Count"], headers["Hash-Size"]) == ("2", "128")
    assert headers["Authorization"] == "update-b"
    assert body == bytes(256)


def test_a_direct_upload_puts_each_part_without_a_token_then_completes(server, client):
    content = bytes(range(256))
    parts = [
        {"number": number, "method": "PUT", "url": f"{server.url}/part{number}", "headers": {}, "bytes": 128}
        for number in (1, 2)
    ]
    server.will_answer(201, {"upload_id": "u1", "parts": parts})
    server.will_answer(200)
    server.will_answer(200)
    server.will_answer(201, {"receipt_token": "t"})

    client.upload_directly(PROJECT, 0, content, 64)

    declared, first, second, complete = server.requests
    assert json.loads(declared[3]) == {"format": "binary", "bytes": 256, "count": 4, "encoding_size": 64}
    assert (first[1], first[3], second[1], second[3]) == ("/part1", content[:128], "/part2", content[128:])
    assert "Authorization" not in first[2]
    assert complete[1] == "/api/v1/projects/p1/uploads/u1/complete"


def test_a_large_upload_follows_the_pages_of_its_parts(server, client):
    def part(number):
        return {
            "number": number,
            "method": "PUT",
            "url": f"{server.url}/{number}",
            "headers": {},
            "bytes": 64,
        }

    following = "/api/v1/projects/p1/uploads/u1?after=1"
    server.will_answer(201, {"upload_id": "u1", "parts": [part(1)], "next": following})
    server.will_answer(200)
    server.will_answer(200, {"upload_id": "u1", "missing": [part(2)]})
    server.will_answer(200)
    server.will_answer(201, {"receipt_token": "t"})

    client.upload_directly(PROJECT, 0, bytes(64) + b"x" * 64, 64)

    assert [path for _, path, _, _ in server.requests[1:4]] == ["/1", following, "/2"]
    assert server.requests[3][3] == b"x" * 64


def test_a_run_is_asked_after_until_it_is_completed(server, client):
    for state in ("created", "running", "completed"):
        server.will_answer(200, {"state": state})

    states = [status["state"] for status in client.statuses(PROJECT, "r1")]

    assert states == ["created", "running", "completed"]


def test_a_failed_run_gives_its_reason(server, client):
    server.will_answer(200, {"state": "error", "message": "Mismatch in encoding sizes. Stopping"})

    with pytest.raises(DemoError, match="Mismatch in encoding sizes"):
        list(client.statuses(PROJECT, "r1"))


def test_a_large_result_is_fetched_where_the_redirect_says(server, client):
    server.will_answer(303, None, Location="/elsewhere")
    server.will_answer(200, {"groups": []})

    assert client.result(PROJECT, "r1") == {"groups": []}
    assert server.requests[1][1] == "/elsewhere"
