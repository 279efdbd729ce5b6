"""Results by type: who gets what, and what must hold of it."""

from __future__ import annotations

import numpy as np
import pytest
import requests

from tests.oracle import anonlink_groups, anonlink_scores, as_sets
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(59, (50, 64))
THRESHOLD = 0.85
NOTHING_ALIKE = [np.zeros((5, 128), np.uint8), np.full((6, 128), 255, np.uint8)]


def test_a_run_that_is_not_complete_has_no_result(linkage_service):
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, THRESHOLD)
    answer = linkage_service.call("GET", f"{project.path}/runs/{run_id}/result", project.result_token)

    assert (answer.status_code, answer.json()["detail"]) == (404, "run is not complete")


def test_groups_of_two_and_three_parties_are_anonlinks(linkage_service):
    for counts in ((50, 64), (30, 40, 50)):
        datasets = linked_encodings(60, counts)
        project, run_id, _ = linkage_service.completed(datasets, "groups", THRESHOLD)
        groups = linkage_service.result(project, run_id)["groups"]

        assert all(len(group) >= 2 for group in groups)
        assert as_sets(groups) == anonlink_groups(datasets, THRESHOLD)


def test_similarity_scores_are_anonlinks_best_first_each_once(linkage_service):
    project, run_id, _ = linkage_service.completed(ROWS, "similarity_scores", 0.6)
    scores = linkage_service.result(project, run_id)["similarity_scores"]

    assert scores == anonlink_scores(ROWS, 0.6)
    values = [score for _, _, score in scores]
    assert values == sorted(values, reverse=True)
    assert len({(tuple(a), tuple(b)) for a, b, _ in scores}) == len(scores)


@pytest.mark.parametrize(
    ("result_type", "empty"), [("groups", {"groups": []}), ("similarity_scores", {"similarity_scores": []})]
)
def test_a_result_may_be_empty(linkage_service, result_type, empty):
    project, run_id, _ = linkage_service.completed(NOTHING_ALIKE, result_type, THRESHOLD)

    assert linkage_service.result(project, run_id) == empty


def test_a_large_result_is_a_redirect_that_any_client_follows(linkage_service):
    rows = np.tile(linked_encodings(61, (1, 1))[0], (600, 1))
    project, run_id, _ = linkage_service.completed([rows, rows], "similarity_scores", 1.0)
    path = f"{project.path}/runs/{run_id}/result"

    followed = linkage_service.call("GET", path, project.result_token)
    stopped = linkage_service.call("GET", path, project.result_token, allow_redirects=False)
    told = linkage_service.call("GET", f"{path}?redirect=false", project.result_token)

    assert len(followed.json()["similarity_scores"]) == 360_000
    assert (stopped.status_code, len(stopped.content)) == (303, 0)
    assert requests.get(told.json()["url"], timeout=60).content == followed.content


@pytest.mark.parametrize("value", ["1", "true"])
def test_scores_are_to_be_had_as_anonlinks_own_file(linkage_service, value):
    project, run_id, _ = linkage_service.completed(ROWS, "similarity_scores", THRESHOLD)
    path = f"{project.path}/runs/{run_id}/result"
    header = {"RETURN-OBJECT-STORE-ADDRESS": value}
    answer = linkage_service.call("GET", path, project.result_token, headers=header)

    assert answer.status_code == 200
    assert answer.json().keys() >= {"credentials", "object"}
    assert answer.json()["object"].keys() == {"endpoint", "secure", "bucket", "path"}
