"""Traces, as X-Ray's daemon gets them: one datagram a subsegment."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from chalicelib.observability import identify, observed
from tests.unit.observability.conftest import CONTEXT
from tests.unit.test_config import REQUIRED

ROOT, PARENT = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"


@pytest.fixture
def daemon(override_settings) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        override_settings(
            **REQUIRED,
            TRACING="true",
            AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{listener.getsockname()[1]}",
            _X_AMZN_TRACE_ID=f"Root={ROOT};Parent={PARENT};Sampled=1;Lineage=1:a87bd80c:0",
        )
        yield listener


def received(daemon: socket.socket) -> dict:
    header, _, document = daemon.recv(65_535).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    return json.loads(document)


def is_silent(daemon: socket.socket) -> bool:
    """A datagram on loopback is there once it is sent."""
    daemon.setblocking(False)
    try:
        daemon.recv(65_535)
    except BlockingIOError:
        return True
    return False


def test_a_call_is_a_subsegment_that_is_found_by_its_ids(daemon):
    with observed("merge", CONTEXT, run_id="r1", chunk=3):
        identify(project_id="p1")

    document = received(daemon)
    assert (
        document.items()
        >= {
            "name": "merge",
            "type": "subsegment",
            "trace_id": ROOT,
            "parent_id": PARENT,
            "fault": False,
            "annotations": {"run_id": "r1", "chunk": 3, "project_id": "p1"},
        }.items()
    )
    assert len(bytes.fromhex(document["id"])) == 8
    assert document["end_time"] >= document["start_time"] > 1.7e9


def test_calls_of_a_warm_function_in_one_trace_hang_on_their_own_segments(daemon, monkeypatch):
    for parent in ("1" * 16, "2" * 16):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={ROOT};Parent={parent};Sampled=1")
        with observed("merge", CONTEXT):
            pass

    assert [received(daemon)["parent_id"] for _ in range(2)] == ["1" * 16, "2" * 16]


def test_a_failed_call_is_a_fault_and_tells_no_more(daemon):
    with pytest.raises(KeyError), observed("merge", CONTEXT):
        raise KeyError("what only the log may know")

    document = received(daemon)
    assert document["fault"] is True
    assert "only the log" not in json.dumps(document)


@pytest.mark.parametrize(
    "variables",
    [
        {"TRACING": "false"},
        {"_X_AMZN_TRACE_ID": f"Root={ROOT};Parent={PARENT};Sampled=0"},
        {"_X_AMZN_TRACE_ID": f"Root={ROOT};Sampled=1"},
        {"_X_AMZN_TRACE_ID": "nonsense"},
    ],
    ids=["switched off", "not sampled", "no parent", "malformed"],
)
def test_there_is_no_trace_of(daemon, override_settings, variables):
    override_settings(**variables)

    with observed("merge", CONTEXT):
        pass

    assert is_silent(daemon)


@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.0.0.1:0"])
def test_a_daemon_that_is_not_there_harms_nothing(daemon, override_settings, address):
    override_settings(AWS_XRAY_DAEMON_ADDRESS=address)

    with observed("merge", CONTEXT):
        pass
