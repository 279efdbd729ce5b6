"""Who may do what: every endpoint with every token that is not for it."""

from __future__ import annotations

import statistics

import pytest

from chalicelib.storage.tokens import new_id
from tests.contract.service import ACCESS_DENIED
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
    ("DELETE", "/runs/{run}"),
    ("POST", "/estimate"),
]
PARTIES = [
    ("GET", "/authorize-external-upload"),
    ("POST", "/clks"),
    ("POST", "/binaryclks"),
    ("POST", "/uploads"),
    ("GET", "/uploads/{upload}"),
    ("POST", "/uploads/{upload}/complete"),
    ("DELETE", "/uploads/{upload}"),
]


@pytest.fixture(scope="module")
def projects(linkage_service):
    """Three projects with a completed run each; the last is deleted."""
    made = []
    for _ in range(3):
        project = linkage_service.project_with(ROWS)
        run_id = linkage_service.post_run(project, 0.9)
        linkage_service.wait_for(project, run_id)
        made.append((project, run_id))
    linkage_service.call("DELETE", project.path, project.result_token)
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


@pytest.mark.parametrize(
    "whose",
    ["another project", "another role", "nobody", "unknown project", "deleted project", "no hexadecimal"],
)
@pytest.mark.parametrize(("method", "path"), OWNERS + PARTIES)
def test_a_token_that_is_not_for_this_is_refused_with_the_same_words(
    linkage_service, projects, method, path, whose
):
    (project, run_id), (other, _), (deleted, _) = projects
    for_owner = (method, path) in OWNERS
    tokens = {
        "another project": other.result_token if for_owner else other.update_tokens[0],
        "another role": project.update_tokens[0] if for_owner else project.result_token,
        "nobody": new_id(),
        "unknown project": project.result_token if for_owner else project.update_tokens[0],
        "deleted project": deleted.result_token if for_owner else deleted.update_tokens[0],
        "no hexadecimal": "'; drop table projects; --",
    }
    bases = {"unknown project": f"/projects/{new_id()}", "deleted project": deleted.path}
    url = bases.get(whose, project.path) + path.format(run=run_id, upload=new_id())

    answer = linkage_service.call(method, url, tokens[whose], **well_formed(method, path))

    assert answer.status_code == 403, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == ACCESS_DENIED


@pytest.mark.parametrize(("method", "path"), OWNERS + PARTIES)
def test_a_missing_token_is_a_bad_request(linkage_service, projects, method, path):
    (project, run_id), *_ = projects
    url = project.path + path.format(run=run_id, upload=new_id())

    answers = [linkage_service.call(method, url, **well_formed(method, path))]
    answers.append(
        linkage_service.call(method, url, data=b"not json", headers={"Content-Type": "text/plain"})
    )

    for answer in answers:
        assert answer.status_code == 400
        assert answer.json()["detail"] == "Missing header parameter 'Authorization'"


def test_a_run_of_another_project_is_not_found_by_ones_own_token(linkage_service, projects):
    (project, _), (_, others_run), _ = projects
    for path in ("", "/status", "/result"):
        url = f"{project.path}/runs/{others_run}{path}"
        answer = linkage_service.call("GET", url, project.result_token)

        assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)


@pytest.mark.parametrize("result_type", ["groups", "similarity_scores"])
def test_a_receipt_token_reads_nothing_where_the_result_is_the_owners(linkage_service, result_type):
    project, run_id, receipts = linkage_service.completed(ROWS, result_type, 0.9)

    for path in ("", "/runs", f"/runs/{run_id}", f"/runs/{run_id}/status", f"/runs/{run_id}/result"):
        answer = linkage_service.call("GET", project.path + path, receipts[0])
        assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED), path


def test_refusals_take_alike_long_whatever_the_reason(linkage_service, projects, record_property):
    """Only reported: on a shared machine a bound would fail by accident."""
    (project, _), (other, _), (deleted, _) = projects
    questions = {
        "wrong token": (project.path, other.result_token),
        "unknown project": (f"/projects/{new_id()}", other.result_token),
        "deleted project": (deleted.path, deleted.result_token),
    }
    for reason, (path, token) in questions.items():
        answers = [linkage_service.call("GET", path, token) for _ in range(25)]
        assert {answer.status_code for answer in answers} == {403}
        record_property(reason, statistics.median(answer.elapsed.total_seconds() for answer in answers))
