"""What every task shares: one log line a call with its ids and seconds, and errors by their family's name.

A state machine matches errors by class name, exactly. So a subclass of ``PermanentError`` or
``Gone`` leaves the handler as its parent, message kept; anything else is worth a retry.
"""

from __future__ import annotations

import functools
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from chalicelib.errors import Gone, PermanentError
from chalicelib.observability import logger

Event = dict[str, Any]
Handler = Callable[[Event], Any]

_IDS = ("project_id", "upload_id", "run_id")


def task(handler: Handler) -> Callable[[Event, Any], Any]:
    """The Lambda handler of a state: ``handler`` takes the event alone and returns a small JSON value."""

    @functools.wraps(handler)
    def with_context(event: Event, _context: Any) -> Any:
        started = time.monotonic()
        ids = {name: event[name] for name in _IDS if name in event}
        outcome = "failed"
        try:
            result = handler(event)
            outcome = "done"
            return result
        except (Gone, PermanentError) as error:
            outcome = str(error)
            family = Gone if isinstance(error, Gone) else PermanentError
            raise family(str(error)) from error
        finally:
            seconds = round(time.monotonic() - started, 4)
            logger.info(handler.__name__, extra={**ids, "outcome": outcome, "seconds": seconds})

    return with_context


def reason(subject: str, error: dict[str, str]) -> str:
    """What to tell people of a failure as ``Catch`` passes it on (``{"Error", "Cause"}``).

    Our own errors' own words. Of anything else they get a reference, under which the log has the
    rest, since a driver's message may hold what isn't theirs to read.
    """
    if error["Error"] in (PermanentError.__name__, Gone.__name__):
        return _message(error["Cause"])
    reference = secrets.token_hex(6)
    logger.error("unforeseen failure", extra={"reference": reference, **error})
    return f"{subject} failed with an internal server error. Reference for the operator: {reference}"


def _message(cause: str) -> str:
    # Lambda's own form of an exception: {"errorMessage", "errorType", …}.
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause
