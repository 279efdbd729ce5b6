"""Uploads straight to the object store: parts, resuming, giving up, completing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from chalicelib.storage.tokens import new_id
from tests.contract.service import ACCESS_DENIED, FORMATS, TOKEN_USED, as_text, put_parts, wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(54, (40, 45))
CONTENT = ROWS[0].tobytes()


@pytest.fixture
def project(linkage_service):
    return linkage_service.create_project()


@pytest.fixture
def upload(linkage_service, project):
    """Begun by party 0, nothing put yet."""
    answer = linkage_service.begin_upload(project, 0, len(CONTENT), *ROWS[0].shape)
    assert answer.status_code == 201, answer.text
    return answer.json()


def get(linkage_service, project, upload):
    path = f"{project.path}/uploads/{upload['upload_id']}"
    return linkage_service.call("GET", path, project.update_tokens[0])


def test_a_begun_upload_tells_where_to_put_the_parts(upload):
    assert FORMATS["id"].fullmatch(upload["upload_id"])
    assert upload["state"] == "pending"
    assert FORMATS["time"].fullmatch(upload["expires_at"])
    assert datetime.fromisoformat(upload["expires_at"]) > datetime.now(UTC).replace(tzinfo=None)
    (part,) = upload["parts"]
    assert (part["number"], part["method"], part["bytes"]) == (1, "PUT", len(CONTENT))


def test_a_begun_upload_holds_its_token(linkage_service, project, upload):
    for answer in (
        linkage_service.upload_binary(project, 0, ROWS[0]),
        linkage_service.begin_upload(project, 0, 128, 1, 128),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (403, TOKEN_USED)


def test_what_is_missing_is_listed_with_fresh_urls(linkage_service, project, upload):
    before = get(linkage_service, project, upload).json()
    put_parts(before["missing"], CONTENT, upload.get("part_size"))
    after = get(linkage_service, project, upload).json()

    assert (before["state"], [part["number"] for part in before["missing"]]) == ("pending", [1])
    assert (after["state"], after["missing"]) == ("pending", [])


def test_completing_needs_all_parts_and_then_may_be_repeated(linkage_service, project, upload):
    early = linkage_service.complete_upload(project, 0, upload["upload_id"])
    put_parts(upload["parts"], CONTENT, upload.get("part_size"))
    answers = [linkage_service.complete_upload(project, 0, upload["upload_id"]) for _ in range(2)]

    assert early.status_code == 400
    assert [answer.status_code for answer in answers] == [201, 201]
    assert all(answer.json()["message"] == "Updated" for answer in answers)
    wait_until(lambda: get(linkage_service, project, upload).json()["state"] == "ready")
    linkage_service.upload_binary(project, 1, ROWS[1])
    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


def test_giving_up_frees_the_token_and_the_upload(linkage_service, project, upload):
    path = f"{project.path}/uploads/{upload['upload_id']}"
    given_up = linkage_service.call("DELETE", path, project.update_tokens[0])

    assert (given_up.status_code, given_up.content) == (204, b"")
    assert linkage_service.complete_upload(project, 0, upload["upload_id"]).status_code in (400, 403)
    assert linkage_service.upload_binary(project, 0, ROWS[0]).status_code == 201


def test_an_upload_is_its_partys_only(linkage_service, project, upload):
    path = f"{project.path}/uploads/{upload['upload_id']}"
    for method, url in (("GET", path), ("DELETE", path), ("POST", f"{path}/complete")):
        options = {"json": {}} if method == "POST" else {}
        answer = linkage_service.call(method, url, project.update_tokens[1], **options)
        assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)


def test_an_unknown_upload_is_refused_in_the_same_words(linkage_service, project):
    answer = linkage_service.call("GET", f"{project.path}/uploads/{new_id()}", project.update_tokens[0])

    assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_the_store_takes_a_part_of_its_declared_size_only(linkage_service, project, upload, size):
    (part,) = upload["parts"]
    refused = requests.put(part["url"], data=bytes(size), headers=part["headers"], timeout=60)

    assert refused.status_code == 403
    assert linkage_service.complete_upload(project, 0, upload["upload_id"]).status_code == 400


def test_a_lie_about_the_count_is_an_error_with_its_reason_and_the_party_can_try_again(
    linkage_service, project
):
    content = b'{"clks": ["' + as_text(ROWS[0])[0].encode() + b'"]}'
    upload = linkage_service.begin_upload(project, 0, len(content), 99, 128, "json").json()
    put_parts(upload["parts"], content, upload.get("part_size"))
    linkage_service.complete_upload(project, 0, upload["upload_id"])

    wait_until(lambda: get(linkage_service, project, upload).json()["state"] == "error")

    assert "99" in get(linkage_service, project, upload).json()["message"]
    assert linkage_service.describe(project)["error"]
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 40])
def test_a_page_after_no_number_is_refused(linkage_service, project, upload, after):
    path = f"{project.path}/uploads/{upload['upload_id']}?after={after}"

    assert linkage_service.call("GET", path, project.update_tokens[0]).status_code == 400


def test_many_parts_come_in_pages(linkage_service, project):
    size = 2**40
    upload = linkage_service.begin_upload(project, 0, size, size // 1024, 1024).json()
    token, numbers, page = project.update_tokens[0], [], upload
    for _ in range(3):
        numbers += [part["number"] for part in page.get("parts") or page["missing"]]
        page = linkage_service.call("GET", page["next"].removeprefix("/api/v1"), token).json()

    assert numbers == list(range(1, len(numbers) + 1))
    assert upload["part_size"] * 10_000 >= size
    linkage_service.call("DELETE", f"{project.path}/uploads/{upload['upload_id']}", token)
