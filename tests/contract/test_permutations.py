"""Permutations: each party gets its own, the owner the mask, and nobody more than that."""

from __future__ import annotations

import numpy as np
import pytest

from tests.contract.service import ACCESS_DENIED
from tests.oracle import anonlink_groups
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(66, (50, 64))
THRESHOLD = 0.85
NOTHING_ALIKE = [np.zeros((5, 128), np.uint8), np.full((6, 128), 255, np.uint8)]


@pytest.fixture(scope="module")
def permuted(linkage_service):
    return linkage_service.completed(ROWS, "permutations", THRESHOLD)


def read(linkage_service, project, run_id, receipts):
    mask = linkage_service.result(project, run_id)["mask"]
    results = [linkage_service.result(project, run_id, receipt) for receipt in receipts]
    return mask, [result["permutation"] for result in results], [result["rows"] for result in results]


def test_each_party_gets_a_bijection_and_the_owner_the_mask(linkage_service, permuted):
    mask, permutations, rows = read(linkage_service, *permuted)

    assert [sorted(permutation) for permutation in permutations] == [list(range(50)), list(range(64))]
    assert rows == [50, 50]
    assert len(mask) == 50
    assert set(mask) <= {0, 1}


def test_matches_and_only_matches_share_a_masked_position(linkage_service, permuted):
    mask, (first, second), _ = read(linkage_service, *permuted)
    at_first = {position: record for record, position in enumerate(first)}
    at_second = {position: record for record, position in enumerate(second)}

    masked = {
        frozenset({(0, at_first[position]), (1, at_second[position])})
        for position, bit in enumerate(mask)
        if bit
    }

    assert masked == anonlink_groups(ROWS, THRESHOLD)


def test_two_runs_differ(linkage_service, permuted):
    project, run_id, receipts = permuted
    other = linkage_service.post_run(project, THRESHOLD)
    linkage_service.wait_for(project, other)

    (mask, first, _), (other_mask, second, _) = (
        read(linkage_service, project, run, receipts) for run in (run_id, other)
    )

    assert sum(mask) == sum(other_mask)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_receipt_token_reads_the_project_and_the_status_too(linkage_service, permuted):
    project, run_id, receipts = permuted
    for path in (project.path, f"{project.path}/runs/{run_id}/status"):
        assert linkage_service.call("GET", path, receipts[1]).status_code == 200


def test_neither_an_update_token_nor_anothers_receipt_reads_anything(linkage_service, permuted):
    project, run_id, _ = permuted
    other = linkage_service.create_project("permutations")
    foreign = linkage_service.upload_binary(other, 0, ROWS[0]).json()["receipt_token"]
    for token in (project.update_tokens[0], foreign):
        answer = linkage_service.call("GET", f"{project.path}/runs/{run_id}/result", token)
        assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)


def test_nothing_alike_is_masked_nowhere(linkage_service):
    project, run_id, receipts = linkage_service.completed(NOTHING_ALIKE, "permutations", THRESHOLD)
    mask, permutations, _ = read(linkage_service, project, run_id, receipts)

    assert mask == [0] * 5
    assert [sorted(permutation) for permutation in permutations] == [list(range(5)), list(range(6))]
