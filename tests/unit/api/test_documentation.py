"""The page that shows the API's description."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from chalicelib.api.application import app
from chalicelib.api.documentation import SCRIPT
from chalicelib.config import RESPONSE_LIMIT_BYTES
from tests.unit.api.events import greedy_event

PAGES = ["/", "/api/v1", "/api/v1/", "//api//v1/"]
FILES = [("/", "text/html"), ("/api/v1", "text/html"), (f"/api/v1/{SCRIPT}", "text/javascript")]


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_at_the_root_and_where_the_api_is(path):
    answer = app(greedy_event("GET", path), None)

    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert SCRIPT in answer["body"]


def test_the_script_fits_a_response_and_never_ages():
    answer = app(greedy_event("GET", f"/api/v1/{SCRIPT}"), None)

    assert answer["headers"]["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer["headers"]["Cache-Control"]
    assert len(answer["body"]) < RESPONSE_LIMIT_BYTES


@pytest.mark.parametrize(("path", "content_type"), FILES)
def test_what_a_browser_has_already_is_not_sent_again(path, content_type):
    first = app(greedy_event("GET", path), None)

    again = app(greedy_event("GET", path, headers={"If-None-Match": f"W/{first['headers']['ETag']}"}), None)

    assert (again["statusCode"], again["body"]) == (304, "")
    assert again["headers"]["ETag"] == first["headers"]["ETag"]
    assert again["headers"]["Content-Type"].startswith(content_type)


def test_the_policy_allows_the_pages_own_script_and_no_other_host():
    answer = app(greedy_event("GET", "/"), None)
    (script,) = re.findall("<script>(.*?)</script>", answer["body"], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = answer["headers"]["Content-Security-Policy"]

    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/index.html", "/api/v1/index.html", "/api/v1/README.md", "/static/index.html"]
)
def test_no_other_file_is_served(path):
    assert app(greedy_event("GET", path), None)["statusCode"] == 404
