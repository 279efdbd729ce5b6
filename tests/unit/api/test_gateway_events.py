"""Events as API Gateway really sends them: stage, custom domain, headers twice, bodies as text or base64."""

from __future__ import annotations

import base64
import json

import pytest

from tests.unit.api.events import binary_headers, sample_event
from tests.unit.factories import create_project

VERSION = "/api/v1/version"
NEW_PROJECT = json.dumps({"schema": {}, "result_type": "groups"})


def with_headers(event, **headers):
    """As a gateway hands them over: once by name, once with all values."""
    every = {**event["headers"], **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {**event, "headers": every, "multiValueHeaders": {name: [value] for name, value in every.items()}}


def test_a_request_below_a_stage(api):
    assert api.send(sample_event("GET", VERSION)).status == 200


def test_a_doubled_slash_after_the_stage_and_in_the_middle(api):
    assert api.send(sample_event("GET", "//api/v1//version/")).status == 200


@pytest.mark.parametrize("base", ["/linkage", "/linkage/prod"])
def test_a_custom_domain_whose_base_path_is_in_the_path(api, base):
    event = sample_event("GET", base + VERSION, pathParameters={"proxy": VERSION[1:]})
    event["requestContext"] |= {"path": base + VERSION, "domainName": "linkage.example.org"}

    assert api.send(event).status == 200


@pytest.mark.parametrize("parameters", [None, {}, {"proxy": ""}])
def test_the_root_has_no_greedy_parameter(api, parameters):
    event = sample_event("GET", "/nothing", resource="/", pathParameters=parameters)

    assert api.send(event).status == 404


def test_a_path_parameter_comes_from_the_path_and_not_from_the_gateway(api, service):
    project = create_project()
    event = sample_event("GET", f"/api/v1/projects/{project.project_id}")

    answer = api.send(with_headers(event, authorization=project.result_token))

    assert (answer.status, answer.json["project_id"]) == (200, project.project_id)


@pytest.mark.parametrize("encoded", [False, True], ids=["text", "base64"])
def test_a_json_body_as_text_or_as_base64(api, service, encoded):
    body = base64.b64encode(NEW_PROJECT.encode()).decode() if encoded else NEW_PROJECT
    event = sample_event("POST", "/api/v1/projects", body=body, isBase64Encoded=encoded)

    assert api.send(with_headers(event, Content_Type="application/json")).status == 201


def test_a_binary_body(api, service):
    project = create_project()
    body = base64.b64encode(bytes(256)).decode()
    event = sample_event(
        "POST", f"/api/v1/projects/{project.project_id}/binaryclks", body=body, isBase64Encoded=True
    )
    headers = {**event["headers"], **binary_headers(2, 128), "Authorization": project.update_tokens[0]}

    assert api.send({**event, "headers": headers}).status == 201


@pytest.mark.parametrize("body", ["no base64!", "AAA", "\ud800"])
def test_a_body_that_is_not_what_the_event_says_is_a_bad_request(api, service, body):
    project = create_project()
    event = sample_event(
        "POST", f"/api/v1/projects/{project.project_id}/binaryclks", body=body, isBase64Encoded=True
    )
    headers = {**event["headers"], **binary_headers(2, 128), "Authorization": project.update_tokens[0]}

    assert api.send({**event, "headers": headers}).status == 400


@pytest.mark.parametrize(
    "field", ["headers", "multiValueHeaders", "queryStringParameters", "pathParameters", "body"]
)
def test_what_is_null_in_an_event_is_nothing(api, field):
    event = sample_event("POST", "/api/v1/projects", **{field: None})

    assert api.send(event).status == 400


def test_a_query_in_both_forms(api, service):
    project = create_project()
    query = {
        "queryStringParameters": {"after": "x"},
        "multiValueQueryStringParameters": {"after": ["1", "x"]},
    }
    event = sample_event("GET", f"/api/v1/projects/{project.project_id}/uploads/{'0' * 48}", **query)

    answer = api.send(with_headers(event, Authorization=project.update_tokens[0]))

    assert answer.status in (400, 403)
