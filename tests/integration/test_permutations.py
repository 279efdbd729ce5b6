"""What is stored of a run of permutations: what each party reads, and nothing that tells more."""

from __future__ import annotations

import pytest

from tests.integration.service import Service, admin_store, wait_until
from tests.oracle import anonlink_groups, matches
from tests.unit.factories import linked_encodings

THRESHOLD = 0.9


@pytest.mark.parametrize("counts", [(50, 64), (9_000, 8_000)], ids=["small", "in chunks"])
def test_the_parties_learn_of_their_matches_nothing_but_the_mask(linkage_service: Service, stack, counts):
    datasets = linked_encodings(41, counts)
    project = linkage_service.create_project("permutations")
    receipts = [
        linkage_service.upload_binary(project, party, rows).json()["receipt_token"]
        for party, rows in enumerate(datasets)
    ]
    run_id = linkage_service.post_run(project, THRESHOLD)
    status = linkage_service.wait_for(project, run_id)
    assert status["state"] == "completed", status

    mask = linkage_service.result(project, run_id)["mask"]
    first, second = (linkage_service.result(project, run_id, receipt) for receipt in receipts)

    assert first["rows"] == second["rows"] == len(mask) == min(counts)
    found = matches(mask, [first["permutation"], second["permutation"]])
    assert found == anonlink_groups(datasets, THRESHOLD)
    prefix = f"projects/{project.project_id}/runs/{run_id}/"
    listing = admin_store(stack).list_objects_v2(Bucket=stack.data_bucket, Prefix=prefix)["Contents"]
    stored = {entry["Key"].removeprefix(prefix) for entry in listing}
    assert not {"groups.bin", "merged.bin"} & stored
    assert not [name for name in stored if name.startswith("candidates/")]


def test_a_run_tells_what_it_has_cost(linkage_service):
    datasets = linked_encodings(42, (9_000, 8_000))
    project = linkage_service.project_with(datasets)
    run_id = linkage_service.post_run(project, THRESHOLD)
    seen = []

    def is_completed() -> bool:
        status = linkage_service.status(project, run_id)
        seen.append(status["cost"])
        return status["state"] == "completed"

    wait_until(is_completed)

    last = seen[-1]
    assert last["requests"] >= 5  # plan, compare at least once, merge, solve, complete
    assert last["gb_seconds"] > 0
    assert last["usd"] > last["requests"] * 0.000025
    assert [cost["requests"] for cost in seen] == sorted(cost["requests"] for cost in seen)
