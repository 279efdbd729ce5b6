"""Whether an answer is one that ``openapi.yaml`` describes: its status, content type and schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from jsonschema import Draft202012Validator

from chalicelib.api import schemas

# Python 3.11 has the phrase of an older RFC.
_TITLES = {413: "Content Too Large"}


def assert_documented(event: dict[str, Any], answer: Any) -> None:
    """The same for an event of API Gateway and the application's answer to it."""
    assert_described(event["httpMethod"], event["path"], answer.status, answer.headers, answer.text)


def assert_described(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    """``path`` with or without what stands before ``/api/v1``; HEAD and OPTIONS have no description."""
    if method in ("HEAD", "OPTIONS"):
        assert text == ""
    elif status >= 400:
        assert_problem(status, headers, text)
    else:
        assert_success(method, path, status, headers, text)


def assert_problem(status: int, headers: Mapping[str, str], text: str) -> None:
    """An error as RFC 9457 has it; a 503 says when to try again."""
    assert headers["Content-Type"] == "application/problem+json", text
    problem = json.loads(text)
    validator(("components", "schemas", "Problem")).validate(problem)
    assert problem["status"] == status
    assert problem["title"] == _TITLES.get(status, HTTPStatus(status).phrase)
    assert (status == 503) == ("Retry-After" in headers)


def assert_success(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    steps = ("paths", template(path), method.lower(), "responses", str(status))
    response = at(steps)
    if "$ref" in response:
        steps = tuple(response["$ref"].removeprefix("#/").split("/"))
        response = at(steps)
    for name, header in response.get("headers", {}).items():
        assert name in headers or not header.get("required"), name
    if "content" not in response:
        assert text == ""
        return
    content_type = headers["Content-Type"].partition(";")[0]
    assert content_type in response["content"], content_type
    if content_type == "application/json":
        validator((*steps, "content", content_type, "schema")).validate(json.loads(text))


def template(path: str) -> str:
    """The path of the description that ``path`` is an instance of. Raises LookupError if none is."""
    plain = re.sub("/+", "/", path).partition("/api/v1")[2].rstrip("/")
    for described, pattern in patterns().items():
        if pattern.fullmatch(plain):
            return described
    raise LookupError(f"{path} is not described")


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in schemas.document()["paths"]}


def at(steps: tuple[str, ...]) -> Any:
    node = schemas.document()
    for step in steps:
        assert step in node, f"not described: {' → '.join(steps)}"
        node = node[step]
    return node


@cache
def validator(steps: tuple[str, ...]) -> Draft202012Validator:
    return Draft202012Validator({**at(steps), "components": schemas.document()["components"]})
