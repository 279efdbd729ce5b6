"""In which form a result is asked for: the query parameters of a result, read with suspicion."""

from __future__ import annotations

import re

from chalicelib.api.requests import Request
from chalicelib.errors import BadRequest
from chalicelib.workflow.forms import CONTENT_TYPES, Form

_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{0,30})?([eE]-?[0-9]{1,3})?|\.[0-9]{1,30}")
_BOOLEANS = {"true": True, "false": False}
# Which parameters and formats each type of result has; of others the plain JSON is all there is.
_PARAMETERS = {
    "groups": ("min_score", "limit", "after", "scores"),
    "similarity_scores": ("min_score", "limit", "after"),
}


def requested_form(request: Request, result_type: str) -> Form:
    """Raises BadRequest naming the parameter that is malformed or not for this type of result."""
    file_format = _format(request, result_type)
    allowed = _PARAMETERS.get(result_type, ()) if file_format != "binary" else ()
    for name in ("min_score", "limit", "after", "scores"):
        if request.query(name) and name not in allowed:
            whole = f"results of type {result_type}" + (" in binary" if file_format == "binary" else "")
            raise BadRequest(f"The query parameter '{name}' is not for {whole}")
    return Form(
        format=file_format,
        min_score=_min_score(request),
        after=request.number_query("after", 0),
        limit=_limit(request),
        scores=_boolean(request, "scores", "false"),
    )


def redirects(request: Request) -> bool:
    """Whether a large result is to be a redirect; else its URL. Raises BadRequest as above."""
    return _boolean(request, "redirect", "true")


def _format(request: Request, result_type: str) -> str:
    formats = [name for name in CONTENT_TYPES if name != "binary" or result_type == "similarity_scores"]
    if result_type not in _PARAMETERS:
        formats = ["json"]
    chosen = request.query("format", "json")
    if chosen not in formats:
        raise BadRequest(
            f"The query parameter 'format' must be {' or '.join(formats)} for results of type {result_type}"
        )
    return chosen


def _min_score(request: Request) -> float | None:
    text = request.query("min_score")
    if not text:
        return None
    if not _DECIMAL.fullmatch(text) or not 0 <= float(text) <= 1:
        raise BadRequest("The query parameter 'min_score' must be a number from 0 to 1")
    return float(text)


def _limit(request: Request) -> int | None:
    limit = request.number_query("limit", 0) if request.query("limit") else None
    if limit == 0:
        raise BadRequest("The query parameter 'limit' must be at least 1")
    return limit


def _boolean(request: Request, name: str, default: str) -> bool:
    try:
        return _BOOLEANS[request.query(name, default)]
    except KeyError:
        raise BadRequest(f"The query parameter '{name}' must be true or false") from None
