"""The URLs and methods that clients really send."""

from __future__ import annotations

import pytest

from tests.contract.service import is_by_gateway

JSON = "application/json"
DOUBLED = [
    "/api/v1//projects",
    "//api/v1/projects",
    "/api//v1/projects/",
    "/api/v1/projects//",
    "//api//v1//projects//",
]


def send(linkage_service, method, path, **options):
    return linkage_service.send(method, path, allow_redirects=False, **options)


@pytest.mark.parametrize("path", DOUBLED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_doubled_slashes_reach_the_same_route_without_a_redirect(linkage_service, method, path):
    body = {"json": {"schema": {}, "result_type": "groups"}} if method == "POST" else {}
    answer = send(linkage_service, method, path, **body)

    assert answer.status_code == (201 if method == "POST" else 200), answer.text


@pytest.mark.parametrize("tail", ["//runs", "/runs//", "//runs//"])
def test_doubled_slashes_reach_the_same_route_below_a_project(linkage_service, tail):
    project = linkage_service.create_project()
    path, headers = f"/api/v1/projects//{project.project_id}{tail}", {"Authorization": project.result_token}

    posted = send(linkage_service, "POST", path, json={"threshold": 0.9}, headers=headers)
    listed = send(linkage_service, "GET", path, headers=headers)

    assert (posted.status_code, listed.status_code) == (201, 200)
    assert [run["run_id"] for run in listed.json()] == [posted.json()["run_id"]]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/api", "/api/v2/projects", "/api/v1/nothing", "/api/v1/projects/x/nothing",
        "/api/v1/projects/x/runs/y/z", "/api/v1/PROJECTS", "/api/v1/%2e%2e/etc/passwd", "/favicon.ico",
        "/api/v1/openapi.yaml", "/api/v1/project%00s", "/api/v1/projécts", "/api/v1/" + "x" * 3000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_url_is_not_found(linkage_service, method, path):
    answer = send(linkage_service, method, path)

    if is_by_gateway(answer.status_code, answer.headers):  # one that can't be a URL
        assert answer.status_code in (400, 403, 404)
        return
    assert answer.status_code == 404, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Not Found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/projects", "GET, HEAD, OPTIONS, POST"), ("PATCH", "/projects", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/projects", "GET, HEAD, OPTIONS, POST"), ("POST", "/status", "GET, HEAD, OPTIONS"),
        ("GET", "/projects/{p}/clks", "OPTIONS, POST"), ("PUT", "/projects/{p}/binaryclks", "OPTIONS, POST"),
        ("POST", "/projects/{p}", "DELETE, GET, HEAD, OPTIONS"),
        ("POST", "/projects/{p}/runs/{p}/status", "GET, HEAD, OPTIONS"),
        ("POST", "/projects/{p}/authorize-external-upload", "GET, HEAD, OPTIONS"),
    ],
)  # fmt: skip
def test_a_wrong_method_is_told_which_are_right(linkage_service, method, path, allow):
    answer = linkage_service.call(method, path.format(p="0" * 48))

    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert answer.json()["title"] == "Method Not Allowed"


def test_options_needs_no_token(linkage_service):
    answer = linkage_service.call("OPTIONS", f"/projects/{'0' * 48}/runs")

    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


def test_head_is_get_without_the_body(linkage_service):
    answer = linkage_service.call("HEAD", "/version")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_with_a_charset(linkage_service, content_type):
    body = b'{"schema": {}, "result_type": "groups"}'
    answer = linkage_service.call("POST", "/projects", data=body, headers={"Content-Type": content_type})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/octet-stream",
        "application/xml",
        "multipart/form-data",
        "application/jsonx",
        "x",
    ],
)
def test_another_content_type_than_json_is_unsupported(linkage_service, content_type):
    project = linkage_service.create_project()
    headers = {"Content-Type": content_type}

    for path, token in (
        ("/projects", None),
        (f"{project.path}/runs", project.result_token),
        (f"{project.path}/clks", project.update_tokens[0]),
    ):
        answer = linkage_service.call("POST", path, token, data=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (415, "Unsupported Media Type")


@pytest.mark.parametrize("content_type", [JSON, "text/plain"])
def test_another_content_type_than_bytes_is_unsupported_for_binary_encodings(linkage_service, content_type):
    project = linkage_service.create_project()
    headers = {"Content-Type": content_type, "Hash-Count": "1", "Hash-Size": "128"}
    path = f"{project.path}/binaryclks"
    answer = linkage_service.call("POST", path, project.update_tokens[0], data=bytes(128), headers=headers)

    assert answer.status_code == 415
