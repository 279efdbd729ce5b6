"""The service's REST API as a few verbs over ``requests``; docs/tutorial.md shows them one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from demo.errors import DemoError

_PREFIX = "/api/v1"
_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.25
_TIMEOUT_SECONDS = 60
_POLL_MIN_SECONDS, _POLL_MAX_SECONDS = 0.05, 2.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Json = dict[str, Any]


@dataclass(frozen=True)
class Project:
    project_id: str
    result_token: str
    update_tokens: list[str]  # their order is the dataset index


class Client:
    """``api_url`` is what comes before ``/api/v1``. Every method raises DemoError when it is refused."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url.rstrip("/").removesuffix(_PREFIX)
        self._session = requests.Session()
        # A proxy that is meant for the internet cannot reach this machine's own ports.
        self._session.trust_env = urlsplit(self.api_url).hostname not in _LOOPBACK

    def check(self) -> None:
        """Raise DemoError unless the service answers."""
        self._call("GET", "/status")

    def create_project(self, name: str, schema: Json, result_type: str) -> Project:
        body = {"name": name, "schema": schema, "result_type": result_type, "number_parties": 2}
        answer = self._call("POST", "/projects", json=body)
        return Project(answer["project_id"], answer["result_token"], answer["update_tokens"])

    def upload_directly(self, project: Project, party: int, encodings: bytes, size_bytes: int) -> None:
        """Put the encodings straight into the object store, by presigned URLs: as large as you like."""
        token = project.update_tokens[party]
        path = f"/projects/{project.project_id}/uploads"
        body = {
            "format": "binary",
            "bytes": len(encodings),
            "count": len(encodings) // size_bytes,
            "encoding_size": size_bytes,
        }
        upload = self._call("POST", path, token, json=body)
        rest = memoryview(encodings)
        for part in self._parts(token, upload):
            self._request(
                part["method"], part["url"], headers=part["headers"], data=bytes(rest[: part["bytes"]])
            )
            rest = rest[part["bytes"] :]
        self._call("POST", f"{path}/{upload['upload_id']}/complete", token, json={})

    def _parts(self, token: str, upload: Json) -> Iterator[Json]:
        """The parts to put, in order; a large upload's come in pages."""
        while True:
            yield from upload["parts"] if "parts" in upload else upload["missing"]
            if "next" not in upload:
                return
            upload = self._call("GET", upload["next"].removeprefix(_PREFIX), token)

    def upload_inline(self, project: Project, party: int, encodings: bytes, size_bytes: int) -> None:
        """Send the encodings in the request itself: simplest, up to some 4 MB."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Hash-Count": str(len(encodings) // size_bytes),
            "Hash-Size": str(size_bytes),
        }
        path = f"/projects/{project.project_id}/binaryclks"
        self._call("POST", path, project.update_tokens[party], data=encodings, headers=headers)

    def post_run(self, project: Project, threshold: float) -> str:
        path = f"/projects/{project.project_id}/runs"
        run_id: str = self._call("POST", path, project.result_token, json={"threshold": threshold})["run_id"]
        return run_id

    def statuses(self, project: Project, run_id: str) -> Iterator[Json]:
        """The run's status again and again, until it is completed.

        Raises DemoError with the reason of a run that failed.
        """
        path = f"/projects/{project.project_id}/runs/{run_id}/status"
        pause = _POLL_MIN_SECONDS
        while True:
            status = self._call("GET", path, project.result_token)
            yield status
            if status["state"] == "completed":
                return
            if status["state"] == "error":
                raise DemoError(f"The run failed: {status.get('message', 'no reason given')}")
            time.sleep(pause)
            pause = min(pause * 1.2, _POLL_MAX_SECONDS)

    def result(self, project: Project, run_id: str) -> Json:
        """The run's result. A large one is a redirect to the object store, which ``requests`` follows
        and, as it must, without our token."""
        path = f"/projects/{project.project_id}/runs/{run_id}/result"
        return self._call("GET", path, project.result_token)

    def delete(self, project: Project) -> None:
        self._call("DELETE", f"/projects/{project.project_id}", project.result_token)

    def _call(self, method: str, path: str, token: str | None = None, **options: Any) -> Json:
        headers = {**options.pop("headers", {}), **({"Authorization": token} if token else {})}
        answer = self._request(method, f"{self.api_url}{_PREFIX}{path}", headers=headers, **options)
        body: Json = answer.json() if answer.content else {}
        return body

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        """The answer, if it is a good one; one that is busy (503) is asked again, less and less often."""
        pause = _FIRST_PAUSE_SECONDS
        for tries_left in reversed(range(_TRIES)):
            try:
                answer = self._session.request(method, url, timeout=_TIMEOUT_SECONDS, **options)
            except (requests.ConnectionError, requests.Timeout) as error:
                raise DemoError(
                    f"Nothing answers at {self.api_url}: start the service with `make serve`,"
                    " or name another with --api-url."
                ) from error
            if answer.status_code != 503 or not tries_left:
                break
            time.sleep(max(pause, _retry_after_seconds(answer)))
            pause *= 2
        if not answer.ok:
            raise DemoError(f"{method} {urlsplit(url).path} was refused: {_refusal(answer)}")
        return answer


def _retry_after_seconds(answer: requests.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def _refusal(answer: requests.Response) -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.reason
    return f"{answer.status_code} {detail}"
