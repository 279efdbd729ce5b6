from __future__ import annotations

import json

import pytest

from chalicelib.api.responses import from_error
from chalicelib.errors import BadRequest, ContentTooLarge, Gone, RequestError, StoreUnavailable
from chalicelib.storage import projects


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (BadRequest("why"), 400, "Bad Request"),
        (Gone("project 0 was deleted"), 403, "Forbidden"),
        (ContentTooLarge("why"), 413, "Content Too Large"),
        (RequestError("why"), 500, "Internal Server Error"),
        (StoreUnavailable("why"), 503, "Service Unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_becomes_the_problem_of_its_family(error, status, title):
    answer = from_error(error)

    problem = json.loads(answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["title"]) == (status, status, title)


def test_gone_is_answered_like_a_wrong_token():
    assert json.loads(from_error(Gone("x")).body)["detail"] == "Invalid access token or project doesn't exist"


def test_an_unforeseen_error_shows_a_reference_and_the_log_has_the_rest(api, monkeypatch, caplog):
    monkeypatch.setattr(projects, "list_active", lambda: 1 / 0)

    answer = api.call("GET", "/projects", token="a" * 48)

    assert answer.status == 500
    assert "division" not in answer.text
    (failure,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert failure.reference == answer.detail.split()[-1]
    assert failure.exc_info[0] is ZeroDivisionError
    assert "a" * 48 not in caplog.text


def test_an_absent_store_asks_for_another_try(api, monkeypatch):
    def away():
        raise StoreUnavailable("The database is not available, try again shortly")

    monkeypatch.setattr(projects, "list_active", away)

    answer = api.call("GET", "/projects")

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
