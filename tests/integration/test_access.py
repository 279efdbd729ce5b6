"""Who may do what: every endpoint with every token, and the paths that clients really send."""

from __future__ import annotations

import pytest

from chalicelib.storage.tokens import new_id
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(21, (30, 30))

OWNERS = [
    ("GET", ""),
    ("DELETE", ""),
    ("GET", "/runs"),
    ("POST", "/runs"),
    ("GET", "/runs/{run}"),
    ("GET", "/runs/{run}/status"),
    ("GET", "/runs/{run}/result"),
]
PARTIES = [
    ("POST", "/clks"),
    ("POST", "/binaryclks"),
    ("POST", "/uploads"),
    ("GET", "/uploads/{upload}"),
    ("POST", "/uploads/{upload}/complete"),
    ("DELETE", "/uploads/{upload}"),
]


@pytest.fixture(scope="module")
def projects(linkage_service):
    """Two projects with a completed run each."""
    made = []
    for _ in range(2):
        project = linkage_service.project_with(ROWS)
        run_id = linkage_service.post_run(project, 0.9)
        linkage_service.wait_for(project, run_id)
        made.append((project, run_id))
    return made


def well_formed(method: str, path: str) -> dict:
    if path == "/binaryclks":
        headers = {"Content-Type": "application/octet-stream", "Hash-Count": "30", "Hash-Size": "128"}
        return {"headers": headers, "data": ROWS[0].tobytes()}
    bodies = {
        "/runs": {"threshold": 0.9},
        "/clks": {"clks": ["AAAAAAAAAAA="]},
        "/uploads": {"format": "binary", "bytes": 128, "count": 1, "encoding_size": 128},
    }
    return {"json": bodies.get(path, {})} if method == "POST" else {}


@pytest.mark.parametrize("whose", ["another project", "another role", "nobody", "deleted project"])
@pytest.mark.parametrize(("method", "path"), OWNERS + PARTIES)
def test_a_token_that_is_not_for_this_is_refused_with_the_same_words(
    linkage_service, projects, method, path, whose
):
    (project, run_id), (other, _) = projects
    for_owner = (method, path) in OWNERS
    tokens = {
        "another project": other.result_token if for_owner else other.update_tokens[0],
        "another role": project.update_tokens[0] if for_owner else project.result_token,
        "nobody": new_id(),
        "deleted project": project.result_token if for_owner else project.update_tokens[0],
    }
    base = f"/projects/{new_id()}" if whose == "deleted project" else project.path
    url = base + path.format(run=run_id, upload=new_id())

    answer = linkage_service.call(method, url, tokens[whose], **well_formed(method, path))

    assert answer.status_code == 403, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Invalid access token or project doesn't exist"


@pytest.mark.parametrize(("method", "path"), OWNERS + PARTIES)
def test_a_missing_token_is_a_bad_request(linkage_service, projects, method, path):
    (project, run_id), _ = projects
    url = project.path + path.format(run=run_id, upload=new_id())

    answer = linkage_service.call(method, url, **well_formed(method, path))

    assert answer.status_code == 400
    assert answer.json()["detail"] == "Missing header parameter 'Authorization'"


@pytest.mark.parametrize(
    "path", ["/api/v1//projects", "//api/v1/projects", "/api//v1/projects/", "/api/v1/projects//"]
)
def test_doubled_slashes_reach_the_same_route(linkage_service, path):
    import requests

    body = {"schema": {}, "result_type": "groups"}
    answer = requests.post(linkage_service.base_url + path, json=body, timeout=10, allow_redirects=False)

    assert answer.status_code == 201, answer.text


def test_an_unknown_url_and_a_wrong_method_are_told_apart(linkage_service):
    unknown, wrong = linkage_service.call("GET", "/nothing"), linkage_service.call("PUT", "/projects")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.headers["Content-Type"] == wrong.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json", None])
def test_an_answer_is_plain_json_whatever_the_client_accepts(linkage_service, accept):
    answer = linkage_service.call("GET", "/status", headers={"Accept": accept})

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["status"] == "ok"


def test_a_body_too_large_for_the_api_names_the_route_that_takes_more(linkage_service):
    project = linkage_service.create_project()
    headers = {"Content-Type": "application/octet-stream", "Hash-Count": "90000", "Hash-Size": "128"}

    answer = linkage_service.call(
        "POST",
        f"{project.path}/binaryclks",
        project.update_tokens[0],
        data=bytes(11_520_000),
        headers=headers,
    )

    assert answer.status_code == 413
    assert "uploads" in answer.json()["detail"]
    assert linkage_service.upload_binary(project, 0, ROWS[0]).status_code == 201
