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

from chalicelib.errors import Gone, NothingToReuse, PermanentError
from chalicelib.observability import count, logger, observed

Event = dict[str, Any]
Handler = Callable[[Event], Any]

_IDS = ("project_id", "upload_id", "run_id")


def task(handler: Handler) -> Callable[[Event, Any], Any]:
    """The Lambda handler of a state: ``handler`` takes the event alone and returns a small JSON value."""
    name = handler.__name__

    @functools.wraps(handler)
    def with_context(event: Event, context: Any) -> Any:
        with observed(name, context, **_ids(event)):
            started = time.monotonic()

            def ended(outcome: str) -> dict[str, Any]:
                return {"outcome": outcome, "seconds": round(time.monotonic() - started, 4)}

            try:
                result = handler(event)
            except (Gone, PermanentError) as error:
                logger.info(name, extra=ended(str(error)))
                family = Gone if isinstance(error, Gone) else PermanentError
                raise family(str(error)) from error
            except NothingToReuse as error:
                logger.info(name, extra=ended(str(error)))
                raise
            except Exception:
                count("UnforeseenErrors", function=name)
                logger.exception(name, extra=ended("failed"))
                raise
            logger.info(name, extra=ended("done"))
            return result

    return with_context


def _ids(event: Event) -> dict[str, Any]:
    ids = {name: event[name] for name in _IDS if name in event}
    return ids | {"chunk": event["chunk"]["index"]} if "chunk" in event else ids


def is_foreseen(error: dict[str, str]) -> bool:
    """Whether a failure, as ``Catch`` passes it on (``{"Error", "Cause"}``), is one of our own errors."""
    return error["Error"] in (PermanentError.__name__, Gone.__name__)


def reason(subject: str, error: dict[str, str]) -> str:
    """What to tell people of a failure as ``Catch`` passes it on.

    Our own errors' own words. Of anything else they get a reference, under which the log has the
    rest, since a driver's message may hold what isn't theirs to read.
    """
    if is_foreseen(error):
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
