"""The service as its clients meet it: a few verbs over HTTP, against whatever serves ``base_url``."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import boto3
import numpy as np
import requests

from localstack.stack import Stack

POLL_SECONDS = 0.02


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

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        headers = {**({"Authorization": token} if token else {}), **options.pop("headers", {})}
        url = f"{self.base_url}/api/v1{path}"
        return requests.request(method, url, headers=headers, timeout=120, **options)

    def create_project(self, result_type: str = "groups", **fields: Any) -> Project:
        body = {"schema": {}, "result_type": result_type, **fields}
        answer = self.call("POST", "/projects", json=body)
        assert answer.status_code == 201, answer.text
        return Project(**answer.json())

    def upload_binary(self, project: Project, party: int, rows: np.ndarray) -> requests.Response:
        headers = {
            "Content-Type": "application/octet-stream",
            "Hash-Count": str(len(rows)),
            "Hash-Size": str(rows.shape[1]),
        }
        token = project.update_tokens[party]
        return self.call("POST", f"{project.path}/binaryclks", token, data=rows.tobytes(), headers=headers)

    def upload_json(
        self, project: Project, party: int, rows: np.ndarray, key: str = "clks"
    ) -> requests.Response:
        return self.call(
            "POST", f"{project.path}/clks", project.update_tokens[party], json={key: as_text(rows)}
        )

    def upload_directly(
        self, project: Project, party: int, rows: np.ndarray, file_format: str = "binary"
    ) -> requests.Response:
        content = rows.tobytes() if file_format == "binary" else json.dumps({"clks": as_text(rows)}).encode()
        body = {
            "format": file_format,
            "bytes": len(content),
            "count": len(rows),
            "encoding_size": rows.shape[1],
        }
        token = project.update_tokens[party]
        upload = self.call("POST", f"{project.path}/uploads", token, json=body)
        assert upload.status_code == 201, upload.text
        put_parts(upload.json()["parts"], content, upload.json().get("part_size"))
        return self.complete_upload(project, party, upload.json()["upload_id"])

    def complete_upload(self, project: Project, party: int, upload_id: str) -> requests.Response:
        path = f"{project.path}/uploads/{upload_id}/complete"
        return self.call("POST", path, project.update_tokens[party], json={})

    def project_with(self, datasets: list[np.ndarray], result_type: str = "groups") -> Project:
        project = self.create_project(result_type, number_parties=len(datasets))
        for party, rows in enumerate(datasets):
            assert self.upload_binary(project, party, rows).status_code == 201
        return project

    def post_run(self, project: Project, threshold: float) -> str:
        body = {"threshold": threshold}
        answer = self.call("POST", f"{project.path}/runs", project.result_token, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def status(self, project: Project, run_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"{project.path}/runs/{run_id}/status", project.result_token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, project: Project, run_id: str, seconds: float = 90) -> dict[str, Any]:
        """The run's last status: completed or error."""
        deadline = time.monotonic() + seconds
        while (status := self.status(project, run_id))["state"] not in ("completed", "error"):
            assert time.monotonic() < deadline, f"the run did not end: {status}"
            time.sleep(POLL_SECONDS)
        return status

    def result(self, project: Project, run_id: str) -> Any:
        answer = self.call("GET", f"{project.path}/runs/{run_id}/result", project.result_token)
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


def admin_store(stack: Stack) -> Any:
    """An S3 client that may see and touch everything, as no function of the service may."""
    return boto3.client(
        "s3",
        endpoint_url=stack.aws_endpoint_url,
        region_name=stack.region,
        aws_access_key_id=stack.aws_access_key_id,
        aws_secret_access_key=stack.aws_secret_access_key,
    )


def wait_until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not hold within {seconds} s"
        time.sleep(POLL_SECONDS)
