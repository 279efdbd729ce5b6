"""Requests and tasks, that go well and that fail: what they tell is searched for what it must not hold."""

from __future__ import annotations

import base64
import json
from typing import Any

import psycopg2
import pytest

from chalicelib.api.application import app
from chalicelib.errors import PermanentError
from chalicelib.observability import logger
from chalicelib.storage import database, objects, projects, uploads
from chalicelib.storage.tokens import token_hash
from chalicelib.workflow import ingest as ingest_module
from chalicelib.workflow.failures import reject
from chalicelib.workflow.ingest import ingest
from chalicelib.workflow.link import link_small
from chalicelib.workflow.plan import plan
from tests.unit.api.events import binary_headers, greedy_event, json_event
from tests.unit.factories import linked_encodings
from tests.unit.observability.conftest import CONTEXT

pytestmark = pytest.mark.usefixtures("service")

NOTES = "only for the owner's eyes"
RECORDS = 20


class Client:
    """Sends requests, and remembers what of them nobody else may read."""

    def __init__(self) -> None:
        self.secrets: set[str] = {NOTES}

    def send(self, event: dict[str, Any]) -> Any:
        event["requestContext"]["requestId"] = "77375676-xmpl-4b79-853a-f982474efe18"
        answer = app(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"] or "null")

    def create_project(self) -> dict[str, Any]:
        body = {"schema": {"clkConfig": {}}, "result_type": "groups", "number_parties": 2, "notes": NOTES}
        status, project = self.send(json_event("POST", "/api/v1/projects", body))
        assert status == 201
        for token in (project["result_token"], *project["update_tokens"]):
            self.secrets |= {token, token_hash(token).hex()}
        return dict(project)

    def encodings(self) -> list[list[bytes]]:
        parties = [[bytes(row) for row in party] for party in linked_encodings(3, (RECORDS, RECORDS))]
        self.secrets |= {base64.b64encode(row).decode()[:24] for party in parties for row in party}
        self.secrets |= {row.hex()[:24] for party in parties for row in party}
        return parties

    def upload_json(self, project: dict[str, Any], party: int, encodings: list[str]) -> tuple[int, Any]:
        path, token = f"/api/v1/projects/{project['project_id']}/clks", project["update_tokens"][party]
        status, answer = self.send(json_event("POST", path, {"clks": encodings}, token))
        if status == 201:
            self.secrets |= {answer["receipt_token"], token_hash(answer["receipt_token"]).hex()}
        return status, answer

    def upload_binary(self, project: dict[str, Any], party: int, encodings: list[bytes]) -> int:
        path, token = f"/api/v1/projects/{project['project_id']}/binaryclks", project["update_tokens"][party]
        headers = {**binary_headers(len(encodings), 128), "Authorization": token}
        status, answer = self.send(greedy_event("POST", path, headers=headers, body=b"".join(encodings)))
        if status == 201:
            self.secrets.add(answer["receipt_token"])
        return int(status)


@pytest.fixture
def client() -> Client:
    return Client()


def assert_nothing_leaked(told, client) -> None:
    assert len(client.secrets) > 3
    assert [secret for secret in client.secrets if secret in told.text] == []


def ingest_all(project_id: str) -> None:
    for upload in uploads.of_project(project_id):
        ingest({"upload_id": upload.upload_id}, CONTEXT)


def test_a_linkage_from_end_to_end(told, client):
    project = client.create_project()
    party, other = client.encodings()

    assert client.upload_json(project, 0, [base64.b64encode(row).decode() for row in party])[0] == 201
    assert client.upload_binary(project, 1, other) == 201
    path = f"/api/v1/projects/{project['project_id']}"
    status, run = client.send(json_event("POST", f"{path}/runs", {"threshold": 0.8}, project["result_token"]))
    assert status == 201
    ingest_all(project["project_id"])
    ids = {"run_id": run["run_id"]}
    assert plan(ids, CONTEXT)["is_small"]
    link_small(ids, CONTEXT)
    token = project["result_token"]
    result = greedy_event("GET", f"{path}/runs/{run['run_id']}/result", headers={"Authorization": token})
    status, groups = client.send(result)

    assert status == 200
    assert groups["groups"]
    assert_nothing_leaked(told, client)
    requests = [line for line in told.lines if line["message"] == "request"]
    assert {line["request_id"] for line in requests} == {"77375676-xmpl-4b79-853a-f982474efe18"}
    assert requests[-1]["project_id"] == project["project_id"]
    assert requests[-1]["run_id"] == run["run_id"]
    states = {line["message"]: line for line in told.lines if line["message"] in ("plan", "link_small")}
    assert {line["project_id"] for line in states.values()} == {project["project_id"]}


def test_requests_that_are_refused(told, client):
    project = client.create_project()
    party, _ = client.encodings()
    path = f"/api/v1/projects/{project['project_id']}"
    foreign = "f" * 48
    client.secrets.add(foreign)

    answers = [
        client.upload_json(project, 0, [base64.b64encode(party[0]).decode()[:-9] + "*"])[0],
        client.upload_binary(project, 0, [*party[:-1], party[-1][:-1]]),
        client.send(greedy_event("GET", path, headers={"Authorization": foreign}))[0],
        client.send(greedy_event("GET", f"/api/v1/projects/{foreign}", headers={"Authorization": foreign}))[
            0
        ],
        client.send(json_event("POST", "/api/v1/projects", {"notes": NOTES, "schema": NOTES}))[0],
        client.send(greedy_event("POST", "/api/v1/projects", body='{"notes": "' + NOTES))[0],
    ]

    assert all(400 <= status < 500 for status in answers), answers
    assert_nothing_leaked(told, client)
    assert len([line for line in told.lines if line["message"] == "request"]) == len(answers) + 1


def test_signed_urls_and_temporary_credentials(told, client):
    project = client.create_project()
    path, token = f"/api/v1/projects/{project['project_id']}", project["update_tokens"][0]
    upload = {"format": "binary", "bytes": 1280, "count": 10, "encoding_size": 128}

    status, begun = client.send(json_event("POST", f"{path}/uploads", upload, token))
    assert status == 201, begun
    urls = [text for text in _strings(begun) if text.startswith("http")]
    event = greedy_event(
        "GET", f"{path}/authorize-external-upload", headers={"Authorization": project["update_tokens"][1]}
    )
    status, given = client.send(event)
    assert status == 201, given

    client.secrets |= {*urls, *given["credentials"].values()} - {given["credentials"]["Expiration"]}
    assert any("X-Amz-Signature" in url for url in urls)
    assert_nothing_leaked(told, client)
    assert "X-Amz-Signature" not in told.text


def test_a_request_that_breaks_leaves_a_trace_without_the_row_that_broke(told, client, monkeypatch):
    project = client.create_project()

    @database.transactional
    def break_a_constraint(cursor, project_id, _token) -> None:
        cursor.execute("update projects set number_parties = 1 where project_id = %s", (project_id,))

    monkeypatch.setattr(projects, "find_by_reading_token", break_a_constraint)
    path = f"/api/v1/projects/{project['project_id']}"
    status, problem = client.send(
        greedy_event("GET", path, headers={"Authorization": project["result_token"]})
    )

    assert status == 500
    (line,) = [line for line in told.lines if line["message"] == "unforeseen failure"]
    assert line["reference"] in problem["detail"]
    assert "CheckViolation" in line["exception"]
    assert "DETAIL:…" in line["exception"]
    assert_nothing_leaked(told, client)
    assert told.figures["UnforeseenErrors"] == [1.0]


def test_a_task_that_breaks_on_data_tells_its_trace_and_not_the_data(told, client, monkeypatch):
    project = client.create_project()
    party, _ = client.encodings()
    client.upload_binary(project, 0, party)
    (upload,) = uploads.of_project(project["project_id"])
    error = objects.NoSuchObject("https://b.s3/k?X-Amz-Credential=AKIAX/1&X-Amz-Signature=0123abcd&x=1")
    client.secrets |= {"AKIAX", "0123abcd"}

    def broken(_upload):
        raise psycopg2.OperationalError(f"lost\nDETAIL:  Failing row contains ({NOTES}).\n") from error

    monkeypatch.setattr(ingest_module, "_write", broken)
    with pytest.raises(psycopg2.OperationalError) as raised:
        ingest({"upload_id": upload.upload_id}, CONTEXT)
    cause = json.dumps({"errorMessage": str(raised.value), "stackTrace": [str(error)]})
    reject({"upload_id": upload.upload_id, "error": {"Error": "OperationalError", "Cause": cause}}, CONTEXT)

    traces = [line for line in told.lines if line["level"] == "ERROR"]
    assert [line["message"] for line in traces] == ["ingest", "unforeseen failure"]
    assert {line["upload_id"] for line in traces} == {upload.upload_id}
    assert all("X-Amz-Signature=…" in json.dumps(line, ensure_ascii=False) for line in traces)
    assert_nothing_leaked(told, client)
    assert told.figures["UploadsFailed"] == [1.0]


def test_data_that_is_no_good_is_refused_without_being_quoted(told, client):
    project = client.create_project()
    party, _ = client.encodings()
    assert client.upload_binary(project, 0, party) == 201
    (upload,) = uploads.of_project(project["project_id"])
    objects.put(upload.bucket, upload.object_key, b"".join(party)[:-5])

    with pytest.raises(PermanentError):
        ingest({"upload_id": upload.upload_id}, CONTEXT)

    (line,) = [line for line in told.lines if line["message"] == "ingest"]
    assert line["outcome"].startswith("Expected 20 encodings of 128 bytes")
    assert_nothing_leaked(told, client)


def test_what_other_text_looks_like_is_left_as_it_is(told):
    logger.info("x", extra={"url": "https://b/k?X-Amz-Date=1&a=b", "list": ["DETAIL"], "number": 3})

    (line,) = told.lines
    assert (line["url"], line["list"], line["number"]) == ("https://b/k?X-Amz-Date=1&a=b", ["DETAIL"], 3)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in children for text in _strings(child)]
