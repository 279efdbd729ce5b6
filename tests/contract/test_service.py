"""What the service tells about itself to anybody."""

from __future__ import annotations

import pytest


def test_the_status_counts_projects_and_knows_a_rate(linkage_service):
    status = linkage_service.call("GET", "/status").json()

    assert status.keys() == {"status", "project_count", "rate"}
    assert status["status"] == "ok"
    assert status["project_count"] >= 0
    assert status["rate"] >= 1


def test_the_version_names_anonlink_the_service_what_compares_and_python(linkage_service):
    version = linkage_service.call("GET", "/version").json()

    assert version.keys() == {"anonlink", "entityservice", "kernel", "python"}
    assert version["python"].startswith("3.")


def test_the_description_is_openapi(linkage_service):
    description = linkage_service.call("GET", "/openapi.json").json()

    assert description["openapi"].startswith("3.1")
    assert "/projects/{project_id}/runs/{run_id}/result" in description["paths"]


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/v1/"])
def test_people_get_a_page_that_needs_no_other_host(linkage_service, path):
    page = linkage_service.send("GET", path)

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_pages_script_is_kept_by_browsers(linkage_service):
    path = "/api/v1/redoc-2.5.4.js"
    script = linkage_service.send("GET", path)

    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    again = linkage_service.send("GET", path, headers={"If-None-Match": script.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json", "application/octet-stream", None])
def test_an_answer_is_plain_json_whatever_the_client_accepts(linkage_service, accept):
    answer = linkage_service.call("GET", "/status", headers={"Accept": accept})

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["status"] == "ok"
