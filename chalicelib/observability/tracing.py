"""X-Ray: one subsegment a call, annotated with its ids, so that a trace is found by project or run.

API Gateway, Lambda and Step Functions trace calls and states by themselves. What they don't know are the
ids. Sending these takes one datagram in X-Ray's documented form to the daemon that Lambda runs beside a
function, and no SDK: that takes 85 ms to import, and its segments of a warm function's later calls in one
trace, of which an execution has many, hang on the first call.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.config import settings

_HEADER = b'{"format": "json", "version": 1}\n'
# X-Ray indexes them; ``function`` is the name of the subsegment already.
_ANNOTATIONS = ("project_id", "run_id", "upload_id", "chunk", "request_id")


@contextlib.contextmanager
def subsegment(name: str, ids: Mapping[str, object]) -> Iterator[None]:
    """Trace what happens within, if TRACING is on and X-Ray samples this call.

    ``ids`` are read when it ends: some are known only then.
    """
    parent = _parent()
    if parent is None:
        yield
        return
    started, is_fault = time.time(), True
    try:
        yield
        is_fault = False
    finally:
        _send(
            {
                "name": name,
                "id": secrets.token_hex(8),
                "type": "subsegment",
                "trace_id": parent["Root"],
                "parent_id": parent["Parent"],
                "start_time": started,
                "end_time": time.time(),
                "fault": is_fault,
                "annotations": {key: ids[key] for key in _ANNOTATIONS if key in ids},
            }
        )


def _parent() -> dict[str, str] | None:
    """The segment that Lambda has for this call, by its header ``Root=…;Parent=…;Sampled=1``."""
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    fields = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    is_sampled = fields.get("Sampled") == "1" and {"Root", "Parent"} <= fields.keys()
    return fields if is_sampled and settings().tracing else None


def _send(document: dict[str, Any]) -> None:
    host, _, port = os.environ.get("AWS_XRAY_DAEMON_ADDRESS", "").rpartition(":")
    # A trace that is lost is no reason to lose a call.
    with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(_HEADER + json.dumps(document).encode(), (host, int(port)))
