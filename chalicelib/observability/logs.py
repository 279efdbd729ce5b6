"""The structured logger of every function: one JSON line an event.

What we log holds no secret. The messages of others' errors may: a signed URL, or the row that broke a
constraint. So these are taken out of each line, whoever wrote it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aws_lambda_powertools import Logger

_SECRETS = re.compile(
    # of signed URLs; a signature is as good as the key for as long as it is valid
    r"(?P<name>X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"'\\]+"
    # of Postgres: up to the end of its line, which is two characters where the text was JSON before
    r"|(?P<detail>DETAIL:)(?:(?!\\n).)*",
    re.IGNORECASE,
)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRETS.sub(lambda match: f"{match['name'] or match['detail']}…", value)
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return value


def _serialise(line: dict[str, Any]) -> str:
    def as_text(value: Any) -> Any:  # an exception, for one
        return _without_secrets(str(value))

    return json.dumps(_without_secrets(line), default=as_text, separators=(",", ":"))


logger = Logger(json_serializer=_serialise)
