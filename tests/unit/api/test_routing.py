from __future__ import annotations

import pytest
from chalice.test import Client

from chalicelib.api.application import app
from tests.unit.api.events import greedy_event, json_event

VERSION = "/api/v1/version"


@pytest.mark.parametrize(
    "path",
    ["//api/v1/version", "/api//v1/version", "/api/v1//version", "/api/v1/version/", "/api/v1///version//"],
)
def test_doubled_and_trailing_slashes_reach_the_same_route(api, path):
    assert api.send(greedy_event("GET", path)).status == 200


def test_a_doubled_slash_reaches_the_same_route_on_post(api):
    answer = api.send(json_event("POST", "/api/v1//projects", {}))

    assert answer.status == 400
    assert "result_type" in answer.detail


def test_a_custom_domains_base_path_does_not_matter(api):
    event = {**greedy_event("GET", VERSION), "path": f"/base{VERSION}"}

    assert api.send(event).status == 200


def test_a_path_without_the_greedy_parameter_is_matched_too(api):
    assert api.send({**greedy_event("GET", VERSION), "pathParameters": None}).status == 200


@pytest.mark.parametrize("path", ["/api", "/nothing", "/api/v1/nothing", "/api/v1/projects/a/b/c/d/e"])
def test_an_unknown_path_is_not_found(api, path):
    answer = api.send(greedy_event("GET", path))

    assert answer.status == 404
    assert answer.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this URL",
    }


def test_a_wrong_method_is_told_which_are_right(api):
    answer = api.call("PUT", "/projects")

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert answer.json["title"] == "Method Not Allowed"


def test_options_lists_the_methods_and_needs_no_token(api):
    answer = api.call("OPTIONS", f"/projects/{'0' * 48}/runs")

    assert (answer.status, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


def test_head_is_get_without_the_body(api):
    head, get = api.call("HEAD", "/version"), api.call("GET", "/version")

    assert (head.status, head.headers, head.text) == (200, get.headers, "")


@pytest.mark.parametrize("accept", ["*/*", None, "text/html", "application/json", "application/octet-stream"])
def test_an_answer_is_plain_json_whatever_the_client_accepts(api, accept):
    answer = api.call("GET", "/version", headers={"Accept": accept} if accept else {})

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"


def test_the_content_type_of_a_get_does_not_matter(api):
    assert api.call("GET", "/version", headers={"Content-Type": "text/plain"}).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/jsonx", ""])
def test_another_content_type_than_json_is_unsupported(api, content_type):
    answer = api.call("POST", "/projects", headers={"Content-Type": content_type}, body="{}")

    assert (answer.status, answer.json["title"]) == (415, "Unsupported Media Type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_json_is_json_with_a_charset(api, content_type):
    assert api.call("POST", "/projects", headers={"content-type": content_type}, body="{}").status == 400


def test_json_to_the_binary_route_is_unsupported(api):
    assert api.call("POST", f"/projects/{'0' * 48}/binaryclks", "0" * 48, json={}).status == 415


def test_without_a_token_nothing_else_is_looked_at(api):
    answer = api.call("POST", f"/projects/{'0' * 48}/binaryclks", headers={"Content-Type": "text/plain"})

    assert (answer.status, answer.detail) == (400, "Missing header parameter 'Authorization'")


def test_chalices_own_client_gets_the_same_answers():
    with Client(app) as client:
        found = client.http.get("/api/v1/version")
        wrong = client.http.post(
            "/api/v1/projects", headers={"Content-Type": "application/json"}, body=b"not json"
        )

    assert found.json_body["python"].startswith("3.")
    assert (wrong.status_code, wrong.json_body["detail"]) == (400, "Request body is not valid JSON")
