"""The service as its clients meet it: a few verbs over HTTP, against whatever serves ``base_url``.

Every answer is held against ``openapi.yaml``, but for refusals of what never reached the service: API
Gateway's own can't name their status, and a malformed request may not even reach that.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import requests

from tests.contract.patience import WAIT_SECONDS, looks, session, wait_until
from tests.unit.api.documented import assert_described

__all__ = [
    "ACCESS_DENIED", "FORMATS", "TOKEN_USED",
    "Project", "Service", "as_text", "assert_as_described", "is_by_gateway", "put_parts", "wait_until",
]  # fmt: skip

FORMATS = {
    "id": re.compile("[0-9a-f]{48}"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"),
}
ACCESS_DENIED = "Invalid access token or project doesn't exist"
NO_CREDENTIALS = "This service does not give out credentials"
PROBLEM = "application/problem+json"
TOKEN_USED = "This token has already been used to upload clks."


@dataclass(frozen=True)
class Project:
    project_id: str
    result_token: str
    update_tokens: list[str]

    @property
    def path(self) -> str:
        return f"/projects/{self.project_id}"


class Service:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = session()

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """As it is: neither tidied nor held against the description. ``path`` follows the base URL."""
        return self.session.request(method, self.base_url + path, **{"timeout": 120, **options})

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        headers = {**({"Authorization": token} if token else {}), **options.pop("headers", {})}
        answer = self.send(method, f"/api/v1{path}", headers=headers, **options)
        ours = answer.history[0] if answer.history else answer  # a redirect leads to the object store
        text = "" if ours.headers.get("Content-Type") == "application/octet-stream" else ours.text
        plain = f"/api/v1{path.partition('?')[0]}"
        assert_as_described(method, plain, ours.status_code, ours.headers, text)
        return answer

    def create_project(self, result_type: str = "groups", **fields: Any) -> Project:
        body = {"schema": {}, "result_type": result_type, **fields}
        answer = self.call("POST", "/projects", json=body)
        assert answer.status_code == 201, answer.text
        return Project(**answer.json())

    def upload_binary(
        self, project: Project, party: int, rows: np.ndarray, headers: dict[str, str | None] | None = None
    ) -> requests.Response:
        """``headers`` replace those that tell the truth; None takes one away."""
        honest = {
            "Content-Type": "application/octet-stream",
            "Hash-Count": str(len(rows)),
            "Hash-Size": str(rows.shape[1]),
        }
        path, token = f"{project.path}/binaryclks", project.update_tokens[party]
        return self.call("POST", path, token, data=rows.tobytes(), headers=honest | (headers or {}))

    def upload_json(
        self, project: Project, party: int, rows: np.ndarray, key: str = "clks"
    ) -> requests.Response:
        return self.call(
            "POST", f"{project.path}/clks", project.update_tokens[party], json={key: as_text(rows)}
        )

    def begin_upload(
        self, project: Project, party: int, size: int, count: int, encoding_size: int, form: str = "binary"
    ) -> requests.Response:
        body = {"format": form, "bytes": size, "count": count, "encoding_size": encoding_size}
        return self.call("POST", f"{project.path}/uploads", project.update_tokens[party], json=body)

    def upload_directly(
        self, project: Project, party: int, rows: np.ndarray, file_format: str = "binary"
    ) -> requests.Response:
        content = rows.tobytes() if file_format == "binary" else json.dumps({"clks": as_text(rows)}).encode()
        upload = self.begin_upload(project, party, len(content), *rows.shape, file_format)
        assert upload.status_code == 201, upload.text
        return self.put_and_complete(project, party, upload.json(), content)

    def put_and_complete(
        self, project: Project, party: int, upload: dict[str, Any], content: bytes
    ) -> requests.Response:
        """``upload`` as its POST answered it."""
        put_parts(upload["parts"], content, upload.get("part_size"))
        return self.complete_upload(project, party, upload["upload_id"])

    def upload_blocked(
        self, project: Project, party: int, rows: np.ndarray, blocks: list[list[str]]
    ) -> requests.Response:
        """``blocks`` names those of each row."""
        body = {"clknblocks": [[text, *names] for text, names in zip(as_text(rows), blocks, strict=True)]}
        return self.call("POST", f"{project.path}/clks", project.update_tokens[party], json=body)

    def authorise(self, project: Project, party: int) -> dict[str, Any]:
        """Temporary credentials for the party's own folder, and where that is."""
        path = f"{project.path}/authorize-external-upload"
        answer = self.call("GET", path, project.update_tokens[party])
        if "SERVER" in os.environ and NO_CREDENTIALS in answer.text:
            pytest.skip(answer.json()["detail"])
        assert answer.status_code == 201, answer.text
        return answer.json()

    def complete_upload(self, project: Project, party: int, upload_id: str) -> requests.Response:
        path = f"{project.path}/uploads/{upload_id}/complete"
        return self.call("POST", path, project.update_tokens[party], json={})

    def project_with(self, datasets: list[np.ndarray], result_type: str = "groups") -> Project:
        project = self.create_project(result_type, number_parties=len(datasets))
        for party, rows in enumerate(datasets):
            assert self.upload_binary(project, party, rows).status_code == 201
        return project

    def completed(
        self, datasets: list[np.ndarray], result_type: str, threshold: float
    ) -> tuple[Project, str, list[str]]:
        """A project with a completed run: it, the run's id, and the parties' receipt tokens."""
        project = self.create_project(result_type, number_parties=len(datasets))
        receipts = [
            self.upload_binary(project, party, rows).json()["receipt_token"]
            for party, rows in enumerate(datasets)
        ]
        run_id = self.post_run(project, threshold)
        assert self.wait_for(project, run_id)["state"] == "completed"
        return project, run_id, receipts

    def post_run(self, project: Project, threshold: float) -> str:
        body = {"threshold": threshold}
        answer = self.call("POST", f"{project.path}/runs", project.result_token, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def status(self, project: Project, run_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"{project.path}/runs/{run_id}/status", project.result_token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, project: Project, run_id: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The run's last status: completed or error."""
        for _ in looks(seconds):
            status = self.status(project, run_id)
            if status["state"] in ("completed", "error"):
                return status
        raise AssertionError(f"the run did not end within {seconds:g} s: {status}")

    def result(self, project: Project, run_id: str, token: str | None = None) -> Any:
        path = f"{project.path}/runs/{run_id}/result"
        answer = self.call("GET", path, token or project.result_token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def link(self, project: Project, threshold: float) -> Any:
        run_id = self.post_run(project, threshold)
        status = self.wait_for(project, run_id)
        assert status["state"] == "completed", status
        return self.result(project, run_id)

    def describe(self, project: Project) -> dict[str, Any]:
        answer = self.call("GET", project.path, project.result_token)
        assert answer.status_code == 200, answer.text
        return answer.json()


def is_by_gateway(status: int, headers: Mapping[str, str]) -> bool:
    """Whether API Gateway answered by itself, or the HTTP server before it: to what can't be a URL, for
    instance."""
    return _is_refused(headers) or _is_malformed(status, headers)


def assert_as_described(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    if _is_refused(headers):
        assert 400 <= status < 500, text
        assert headers["Content-Type"] == PROBLEM, text
        assert method == "HEAD" or json.loads(text).keys() >= {"type", "title", "detail"}
    elif not _is_malformed(status, headers):
        assert_described(method, path, status, headers, text)


def _is_refused(headers: Mapping[str, str]) -> bool:
    return "X-Amzn-Errortype" in {name.title() for name in headers}


def _is_malformed(status: int, headers: Mapping[str, str]) -> bool:
    """A bare 400, which a deployment may have from a server that knows nothing of the API."""
    return "SERVER" in os.environ and status == 400 and headers.get("Content-Type") != PROBLEM


def put_parts(parts: list[dict[str, Any]], content: bytes, part_size: int | None) -> None:
    for part in parts:
        start = (part["number"] - 1) * (part_size or 0)
        piece = content[start : start + part["bytes"]]
        answer = requests.request(
            part["method"], part["url"], headers=part["headers"], data=piece, timeout=120
        )
        assert answer.status_code == 200, answer.text


def as_text(rows: np.ndarray) -> list[str]:
    return [base64.b64encode(row.tobytes()).decode() for row in rows]
