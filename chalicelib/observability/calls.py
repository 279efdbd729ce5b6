"""The bracket around each call of a function: its ids are known to all that is told within it.

Lambda gives a process one call at a time, so the ids are the process's. They go when the call ends: a warm
function must not tell the next call's story under this one's names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.observability import metrics, tracing
from chalicelib.observability.logs import logger

_ids: dict[str, object] = {}


@contextmanager
def observed(function: str, context: Any, **ids: object) -> Iterator[None]:
    """Around a call of ``function``, a name of the table of functions; ``context`` is Lambda's, or None.

    When it ends, also by an error, its metrics are written, its trace is sent and its ids are forgotten.
    """
    request_id = getattr(context, "aws_request_id", None)
    identify(function=function, function_request_id=request_id, **ids)
    try:
        with tracing.subsegment(function, _ids):
            yield
    finally:
        metrics.write(_ids)
        _ids.clear()
        logger.clear_state()


def identify(**ids: object) -> None:
    """From now on, this call is about these. Only what was found, not what a client merely says; None for
    what isn't known."""
    known = {name: value for name, value in ids.items() if value is not None}
    _ids.update(known)
    logger.append_keys(**known)
