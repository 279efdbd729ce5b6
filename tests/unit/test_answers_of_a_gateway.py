"""What the contract suite lets pass as an answer that is not the service's."""

from __future__ import annotations

import json

import pytest

from tests.contract.service import assert_as_described, is_by_gateway

PROBLEM = {"Content-Type": "application/problem+json"}
REFUSED = PROBLEM | {"x-amzn-ErrorType": "ForbiddenException"}
OURS = json.dumps({"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "no"})
WITHOUT_STATUS = json.dumps({"type": "about:blank", "title": "Request refused", "detail": "no"})


@pytest.fixture(params=[True, False], ids=["deployed", "embedded"])
def is_deployed(request, monkeypatch) -> bool:
    monkeypatch.delenv("SERVER", raising=False)
    if request.param:
        monkeypatch.setenv("SERVER", "https://api.example.org")
    return request.param


def is_accepted(status: int, headers: dict[str, str], text: str) -> bool:
    try:
        assert_as_described("GET", "/api/v1/projects", status, headers, text)
    except (AssertionError, KeyError):
        return False
    return True


def test_the_service_s_own_errors_are_held_against_the_description(is_deployed):
    assert not is_by_gateway(403, PROBLEM)
    assert is_accepted(403, PROBLEM, OURS)
    assert not is_accepted(400, PROBLEM, OURS)
    assert not is_accepted(403, {"Content-Type": "text/html"}, "<h1>Forbidden</h1>")


def test_api_gateway_need_not_name_the_status_but_speaks_the_same_form(is_deployed):
    assert is_by_gateway(403, REFUSED)
    assert is_accepted(403, REFUSED, WITHOUT_STATUS)
    assert not is_accepted(403, REFUSED, '{"message": "Forbidden"}')
    assert not is_accepted(403, REFUSED | {"Content-Type": "application/json"}, WITHOUT_STATUS)
    assert not is_accepted(500, REFUSED, WITHOUT_STATUS)


def test_only_before_a_deployment_may_a_server_refuse_without_any_form(is_deployed):
    assert is_accepted(400, {}, "") == is_by_gateway(400, {}) == is_deployed
    assert not is_accepted(404, {}, "")
