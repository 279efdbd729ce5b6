"""Calling a function of the service and waiting for its answer: what the API has computed by others."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import settings
from chalicelib.errors import EntityServiceError, Gone, PermanentError, StoreUnavailable
from chalicelib.storage.clients import lambda_functions

_THROTTLED = 429
_RAISED_HERE = {error.__name__: error for error in (PermanentError, Gone, StoreUnavailable)}


class FunctionFailed(EntityServiceError):
    """A called function ended in an error that isn't the caller's; that function's log has the rest."""


def call(name: str, event: dict[str, Any]) -> Any:
    """What the function ``name`` of ``functions.yaml`` returns for ``event``, both of JSON values.

    Raises PermanentError, Gone and StoreUnavailable as the function raised them; StoreUnavailable also
    when it can't be called or takes more than 25 s, in which case it goes on without us; FunctionFailed
    for anything else that it raised.
    """
    try:
        answer = lambda_functions().invoke(
            FunctionName=settings().function_name_prefix + name, Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read()
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status != _THROTTLED and status < 500:
            raise
        raise StoreUnavailable("The service is busy, try again shortly") from error
    except BotoCoreError as error:
        raise StoreUnavailable("This takes longer than a request may wait, try again shortly") from error
    value = json.loads(payload or b"null")
    if "FunctionError" in answer:
        raise _as_raised(name, value)
    return value


def _as_raised(name: str, error: dict[str, Any]) -> Exception:
    kind = error.get("errorType", "an error without a type")
    if kind in _RAISED_HERE:
        return _RAISED_HERE[kind](error.get("errorMessage", ""))
    return FunctionFailed(f"the function {name} failed: {kind}")
