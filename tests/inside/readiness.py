"""Waiting for a service that has just been deployed."""

from __future__ import annotations

import time
from typing import Any

import requests

from tests.contract.patience import looks

_ANSWER_SECONDS = 30  # API Gateway gives up after 29 s


class NotReady(Exception):
    """The service doesn't do what a ready one does; the message says what it did."""


def wait(server: str, seconds: float) -> float:
    """Returns, after how many seconds, when the service answers and lets an upload begin.

    That takes the database, the network, and the role that signs: a role may be refused for a while after it
    was made. Raises NotReady.
    """
    started = time.monotonic()
    last = NotReady("there was no time to ask")
    for _ in looks(seconds):
        try:
            _begin_an_upload(f"{server.rstrip('/')}/api/v1", started + seconds)
            return time.monotonic() - started
        except NotReady as error:
            last = error
    raise NotReady(f"the service at {server} was not ready within {seconds:.0f} s: {last}")


def _begin_an_upload(api: str, deadline: float) -> None:
    _ask("GET", f"{api}/status", deadline, 200)
    project = _ask(
        "POST", f"{api}/projects", deadline, 201, json={"schema": {}, "result_type": "groups"}
    ).json()
    url = f"{api}/projects/{project['project_id']}"
    body = {"format": "binary", "bytes": 128, "count": 1, "encoding_size": 128}
    headers = {"Authorization": project["update_tokens"][0]}
    _ask("POST", f"{url}/uploads", deadline, 201, json=body, headers=headers)
    _ask("DELETE", url, deadline, 204, headers={"Authorization": project["result_token"]})


def _ask(method: str, url: str, deadline: float, expected: int, **options: Any) -> requests.Response:
    timeout = max(1, min(_ANSWER_SECONDS, deadline - time.monotonic()))
    try:
        answer = requests.request(method, url, timeout=timeout, **options)
    except requests.RequestException as error:
        raise NotReady(f"{method} {url}: {error}") from error
    if answer.status_code != expected:
        raise NotReady(f"{method} {url} was answered {answer.status_code} {answer.text[:500]}")
    return answer
