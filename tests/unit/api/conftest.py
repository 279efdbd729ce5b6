"""The application as API Gateway calls it; every answer is held against ``openapi.yaml``."""

from __future__ import annotations

import json as jsons
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.api import http, run_status
from chalicelib.api.application import app
from chalicelib.storage import projects
from tests.unit.api.documented import assert_documented
from tests.unit.api.events import binary_headers, greedy_event


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return jsons.loads(self.text)

    @property
    def detail(self) -> str:
        assert self.headers["Content-Type"] == "application/problem+json"
        return str(self.json["detail"])


class Api:
    def send(self, event: dict[str, Any]) -> Answer:
        answer = app(event, None)
        assert not answer.get("isBase64Encoded", False)
        result = Answer(answer["statusCode"], answer["headers"], answer["body"])
        if event["httpMethod"] not in ("HEAD", "OPTIONS"):
            assert_documented(event, result)
        return result

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> Answer:
        """``json=…`` or ``body=…``, ``headers=…``, ``query=…``."""
        headers = options.pop("headers", {})
        if "json" in options:
            headers = {"Content-Type": "application/json", **headers}
            options["body"] = jsons.dumps(options.pop("json"))
        if token:
            headers = {"Authorization": token, **headers}
        return self.send(greedy_event(method, f"/api/v1{path}", headers=headers or None, **options))

    def upload_binary(self, project: projects.NewProject, party: int, count: int, size: int) -> Answer:
        return self.call(
            "POST",
            f"/projects/{project.project_id}/binaryclks",
            project.update_tokens[party],
            headers=binary_headers(count, size),
            body=bytes(count * size),
        )


@pytest.fixture
def api() -> Api:
    run_status._watches.clear()
    return Api()


@pytest.fixture
def routes() -> http.Routes:
    return app.routes
