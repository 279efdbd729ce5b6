"""Whether an answer is one that ``openapi.yaml`` describes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from chalicelib.api import http, schemas
from chalicelib.api.application import app


def assert_documented(event: dict[str, Any], answer: Any) -> None:
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        return validator(("components", "schemas", "Problem")).validate(json.loads(answer.text))
    path = http.match(event, app.routes).path.removeprefix("/api/v1")
    steps = ("paths", path, event["httpMethod"].lower(), "responses", str(answer.status))
    response = at(steps)
    if "$ref" in response:
        steps = tuple(response["$ref"].removeprefix("#/").split("/"))
        response = at(steps)
    if "content" not in response:
        assert answer.text == ""
        return None
    assert answer.headers["Content-Type"] == "application/json"
    return validator((*steps, "content", "application/json", "schema")).validate(json.loads(answer.text))


def at(steps: tuple[str, ...]) -> Any:
    node = schemas.document()
    for step in steps:
        node = node[step]
    return node


@cache
def validator(steps: tuple[str, ...]) -> Draft202012Validator:
    return Draft202012Validator({**at(steps), "components": schemas.document()["components"]})
