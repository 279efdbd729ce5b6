"""The contract suite's way of waiting, against a server that says "later"."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from tests.contract.patience import looks, session, wait_until


class Busy(NamedTuple):
    url: str
    bodies: list[bytes]  # of all requests


@pytest.fixture
def busy(request) -> Iterator[Busy]:
    """Answers 503 twice and then 201. ``request.param`` is the Retry-After of the first."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(201 if len(bodies) > 2 else 503)
            if request.param:
                self.send_header("Retry-After", request.param)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Busy(f"http://127.0.0.1:{server.server_port}", bodies)
        server.shutdown()


@pytest.mark.parametrize("busy", ["0"], indirect=True)
def test_what_is_told_to_come_later_comes_again_with_its_body(busy):
    answer = session().post(busy.url, data=b"encodings", timeout=10)

    assert answer.status_code == 201
    assert busy.bodies == [b"encodings"] * 3


@pytest.mark.parametrize("busy", [None], indirect=True)
def test_a_service_that_is_away_without_saying_for_how_long_is_no_reason_to_wait(busy):
    answer = session().post(busy.url, data=b"encodings", timeout=10)

    assert answer.status_code == 503
    assert busy.bodies == [b"encodings"]


def test_looks_become_rarer_and_end(monkeypatch):
    clock = [0.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("tests.contract.patience.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("tests.contract.patience.time.sleep", sleep)

    turns = sum(1 for _ in looks(60))

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.02, 2)
    assert turns == len(pauses) < 70


def test_a_condition_that_never_holds_is_named():
    def it_is_done() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"it_is_done.* did not hold within 0\.05 s"):
        wait_until(it_is_done, 0.05)
