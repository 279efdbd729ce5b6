"""Inline uploads: what is accepted, what is refused in which order, and that a refusal leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.storage.tokens import new_id
from tests.contract.service import ACCESS_DENIED, FORMATS, TOKEN_USED, as_text, wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(52, (30, 35))
TEXTS = as_text(ROWS[0])
BLOCKING_DISABLED = "Blocking has been disabled for this project, but received blocking information"


@pytest.fixture
def project(linkage_service):
    return linkage_service.create_project()


def post(linkage_service, project, body, token=None):
    return linkage_service.call("POST", f"{project.path}/clks", token or project.update_tokens[0], json=body)


@pytest.mark.parametrize("key", ["clks", "encodings"])
def test_json_encodings_are_answered_with_a_receipt(linkage_service, project, key):
    answer = post(linkage_service, project, {key: TEXTS, "colour": "unknown keys are fine"})

    assert answer.status_code == 201
    assert answer.json().keys() == {"message", "receipt_token"}
    assert answer.json()["message"] == "Updated"
    assert FORMATS["id"].fullmatch(answer.json()["receipt_token"])


def test_binary_encodings_are_answered_with_a_receipt(linkage_service, project):
    answer = linkage_service.upload_binary(project, 1, ROWS[1])

    assert (answer.status_code, answer.json()["message"]) == (201, "Updated")
    assert FORMATS["id"].fullmatch(answer.json()["receipt_token"])


def test_a_token_serves_once_whatever_the_route(linkage_service, project):
    linkage_service.upload_binary(project, 0, ROWS[0])

    for answer in (
        linkage_service.upload_binary(project, 0, ROWS[0]),
        linkage_service.upload_json(project, 0, ROWS[0]),
        linkage_service.begin_upload(project, 0, 128, 1, 128),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (403, TOKEN_USED)


def test_a_wrong_shape_is_told_before_a_wrong_token(linkage_service, project):
    assert post(linkage_service, project, {"clks": 7}, token=new_id()).status_code == 400


def test_a_wrong_token_is_told_before_a_used_one(linkage_service, project):
    linkage_service.upload_binary(project, 0, ROWS[0])

    answer = post(linkage_service, project, {"clks": TEXTS}, token=project.result_token)

    assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)


def test_a_used_token_is_told_before_blocks_that_do_not_belong(linkage_service, project):
    linkage_service.upload_binary(project, 0, ROWS[0])

    answer = post(linkage_service, project, {"clknblocks": [[TEXTS[0], "block"]]})

    assert (answer.status_code, answer.json()["detail"]) == (403, TOKEN_USED)


@pytest.mark.parametrize(
    "body",
    [{"clknblocks": []}, {"clknblocks": [[TEXTS[0], "a"]]}, {"encodings": TEXTS, "blocks": {"0": ["a"]}}],
)
def test_blocks_that_do_not_belong_are_told_before_an_empty_list(linkage_service, project, body):
    answer = post(linkage_service, project, body)

    assert (answer.status_code, answer.json()["detail"]) == (403, BLOCKING_DISABLED)
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


def test_a_project_that_uses_blocking_wants_blocks(linkage_service):
    project = linkage_service.create_project(uses_blocking=True)

    answers = [
        post(linkage_service, project, {"clks": TEXTS}),
        linkage_service.upload_binary(project, 0, ROWS[0]),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    blocked = {"clknblocks": [[text, "block", 7] for text in TEXTS]}
    assert post(linkage_service, project, blocked).status_code == 201


@pytest.mark.parametrize("body", [{"clks": []}, {"encodings": []}])
def test_an_empty_list_is_refused(linkage_service, project, body):
    answer = post(linkage_service, project, body)

    assert (answer.status_code, answer.json()["detail"]) == (400, "Missing CLKs information")
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


@pytest.mark.parametrize(
    "reference",
    [
        {"bucket": "elsewhere", "path": "{folder}/x"}, {"bucket": "{bucket}", "path": "x"},
        {"bucket": "{bucket}", "path": "{folder}x/y"}, {"bucket": "{bucket}", "path": "{folder}/../x"},
    ],
    ids=["bucket", "path", "folder that begins alike", "dots"],
)  # fmt: skip
def test_a_file_that_is_not_in_the_partys_own_folder_is_refused(linkage_service, project, reference):
    place = linkage_service.authorise(project, 0)["upload"]
    own = {"bucket": place["bucket"], "folder": place["path"]}
    file = {key: value.format(**own) for key, value in reference.items()}

    answer = post(linkage_service, project, {"encodings": {"file": file}})

    assert (answer.status_code, answer.json()["detail"]) == (403, "Provided object store path is not allowed")
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


@pytest.mark.parametrize("lengths", [(20, 20), (4, 4), (4096,), (64, 256), (128, 0)], ids=str)
def test_encodings_of_unfit_lengths_are_accepted_and_show_as_error_without_any_run(
    linkage_service, project, lengths
):
    texts = [as_text(np.zeros((1, length), np.uint8))[0] for length in lengths]

    assert post(linkage_service, project, {"clks": texts}).status_code == 201

    wait_until(lambda: linkage_service.describe(project)["error"])
    assert linkage_service.describe(project)["error_messages"]
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


def test_text_that_is_not_base64_is_refused_by_its_row_and_not_repeated(linkage_service, project):
    answer = post(linkage_service, project, {"clks": [*TEXTS[:7], "!confidential!"]})

    assert answer.status_code == 400
    assert "7" in answer.json()["detail"]
    assert "confidential" not in answer.text
    assert linkage_service.upload_json(project, 0, ROWS[0]).status_code == 201


def test_both_routes_mix_in_one_project(linkage_service, project):
    linkage_service.upload_json(project, 0, ROWS[0])
    linkage_service.upload_binary(project, 1, ROWS[1])

    assert as_sets(linkage_service.link(project, 0.85)["groups"]) == anonlink_groups(ROWS, 0.85)


@pytest.mark.parametrize(
    "headers",
    [
        {"Hash-Count": None}, {"Hash-Size": None}, {"Hash-Count": "0"}, {"Hash-Count": "-30"},
        {"Hash-Count": "31"}, {"Hash-Count": "29"}, {"Hash-Count": "x"}, {"Hash-Count": "3e1"},
        {"Hash-Count": "1" * 500}, {"Hash-Count": "4294967326"}, {"Hash-Size": "0"}, {"Hash-Size": "127"},
        {"Hash-Size": "64"}, {"Hash-Size": "4096"}, {"Hash-Size": "NaN"}, {"Hash-Size": "128.0"},
    ],
    ids=str,
)  # fmt: skip
def test_binary_headers_that_lie_are_refused_and_the_token_serves_again(linkage_service, project, headers):
    answer = linkage_service.upload_binary(project, 0, ROWS[0], headers=headers)

    assert answer.status_code == 400
    assert linkage_service.describe(project)["parties_contributed"] == 0
    assert linkage_service.upload_binary(project, 0, ROWS[0]).status_code == 201


def test_a_size_that_is_not_the_schemas_is_refused_and_the_token_serves_again(linkage_service):
    project = linkage_service.create_project(schema={"clkConfig": {"l": 1024}})

    assert linkage_service.upload_binary(project, 1, ROWS[1][:, :64]).status_code == 400
    assert linkage_service.upload_binary(project, 1, ROWS[1]).status_code == 201


def test_two_parties_with_different_sizes_show_as_error(linkage_service, project):
    linkage_service.upload_json(project, 0, ROWS[0])
    linkage_service.upload_json(project, 1, ROWS[1][:, :64])

    wait_until(lambda: linkage_service.describe(project)["error"])
