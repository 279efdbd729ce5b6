"""What a request holds, read with suspicion: headers, query, and a body of bounded size and sane JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from chalicelib.api import schemas
from chalicelib.config import INLINE_BINARY_LIMIT_BYTES, INLINE_BODY_LIMIT_BYTES
from chalicelib.errors import BadRequest, ContentTooLarge

MAX_NESTING = 64  # Postgres and Python's own encoder give up on deep JSON, much later
_NOT_JSON = "Request body is not valid JSON"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # by Postgres, in text and in jsonb
_WHOLE_NUMBER = re.compile("[0-9]{1,10}")


def missing_header(name: str) -> BadRequest:
    return BadRequest(f"Missing header parameter '{name}'")


class Request:
    """One request, over Chalice's."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def header(self, name: str) -> str:
        """Raises BadRequest when there is none."""
        value: str | None = self._request.headers.get(name)
        if not value:
            raise missing_header(name)
        return value

    def optional_header(self, name: str) -> str:
        """Empty when there is none."""
        return str(self._request.headers.get(name) or "")

    def number_header(self, name: str) -> int:
        """A header that is a whole number. Raises BadRequest for anything else."""
        value = self.header(name).strip()
        if not _WHOLE_NUMBER.fullmatch(value):
            raise BadRequest(f"The header parameter '{name}' must be a whole number")
        return int(value)

    def query(self, name: str, default: str = "") -> str:
        return str((self._request.query_params or {}).get(name, default))

    def number_query(self, name: str, default: int) -> int:
        value = self.query(name, str(default))
        if not _WHOLE_NUMBER.fullmatch(value):
            raise BadRequest(f"The query parameter '{name}' must be a whole number")
        return int(value)

    def binary_body(self) -> bytes:
        """Raises ContentTooLarge for more than a Lambda function can be given."""
        return self._body(INLINE_BINARY_LIMIT_BYTES)

    def json_text(self) -> bytes:
        """The JSON body as it was sent. Raises ContentTooLarge as ``binary_body`` does."""
        return self._body(INLINE_BODY_LIMIT_BYTES)

    def json(self, schema: str) -> dict[str, Any]:
        """The body, valid by that component of ``openapi.yaml``, defaults filled in.

        Raises BadRequest, with a message that quotes nothing of the body but its keys.
        """
        body: dict[str, Any] = schemas.validate(schema, parse_json(self.json_text()))
        return body

    def _body(self, limit_bytes: int) -> bytes:
        try:
            body: bytes = self._request.raw_body or b""
        except ValueError:  # a lone surrogate where there should be text, or broken base64
            raise BadRequest(_NOT_JSON) from None
        if len(body) > limit_bytes:
            raise ContentTooLarge(
                f"A request of this kind carries {limit_bytes} bytes at most, this one has {len(body)};"
                " for more use POST /api/v1/projects/{project_id}/uploads, which gives URLs to upload to."
            )
        return body


def parse_json(body: bytes) -> Any:
    """JSON as it is defined, which Python's parser isn't strict about, and that every store can hold.

    Raises BadRequest for anything else: NaN, numbers beyond float64, deep nesting, NUL characters.
    """
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise BadRequest(_NOT_JSON) from None
    # Only where there can be something to find, so that an upload's many rows aren't looked at one by one.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_NESTING:
        _check(value)
    return value


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _check(value: Any, depth: int = 0) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise BadRequest("The request body holds a character that is no text (NUL or half a surrogate)")
    elif isinstance(value, dict | list):
        if depth == MAX_NESTING:
            raise BadRequest(f"The request body is nested more than {MAX_NESTING} levels deep")
        for item in value if isinstance(value, list) else (*value.keys(), *value.values()):
            _check(item, depth + 1)
