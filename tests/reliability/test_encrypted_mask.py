"""A mask is being encrypted when functions are killed, or its project is deleted: no duplicate, no rest."""

from __future__ import annotations

import time

import numpy as np
import pytest
import redis
from phe import paillier, util

from tests.integration.service import Project, Service, admin_store, wait_until
from tests.oracle import anonlink_groups
from tests.reliability.workers import kill_workers_of
from tests.unit.factories import linked_encodings

DATASETS = linked_encodings(43, (4_000, 3_000))
THRESHOLD = 0.85
PUBLIC, PRIVATE = paillier.generate_paillier_keypair(n_length=2_048)
JWK = {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": util.int_to_base64(PUBLIC.n)}


@pytest.fixture
def run(service) -> tuple[Project, str, list[str]]:
    """A run that is encrypting, with some slices done and many to do; and the receipts of its parties."""
    project = service.create_project(
        "permutation", public_key=JWK, paillier_context={"base": 2, "encoded": True}
    )
    uploads = [service.upload_binary(project, party, rows) for party, rows in enumerate(DATASETS)]
    run_id = service.post_run(project, THRESHOLD)
    while not 0 < encrypted(service, project, run_id) < 0.5:
        time.sleep(0.02)
    return project, run_id, [upload.json()["receipt_token"] for upload in uploads]


def encrypted(service: Service, project: Project, run_id: str) -> float:
    status = service.status(project, run_id)
    assert status["state"] in ("created", "queued", "running"), status
    stage = status["current_stage"]
    return stage["progress"]["relative"] if stage["number"] == 4 else 0


def test_functions_killed_in_the_middle_are_tried_again_and_both_parties_get_one_mask(
    fragile_stack, service, run
):
    project, run_id, receipts = run
    kill_workers_of(fragile_stack, "encrypt_mask")

    status = service.wait_for(project, run_id)

    assert status["state"] == "completed", status
    first, second = (service.result(project, run_id, receipt) for receipt in receipts)
    assert first["mask"] == second["mask"]
    assert len(set(first["mask"])) == 3_000
    assert pairs(first, second) == anonlink_groups(DATASETS, THRESHOLD)


def pairs(first, second) -> set[frozenset[tuple[int, int]]]:
    mask = [PRIVATE.raw_decrypt(util.base64_to_int(text)) for text in first["mask"]]
    assert set(mask) == {0, 1}
    at_first, at_second = np.argsort(first["permutation"]), np.argsort(second["permutation"])
    return {frozenset({(0, int(at_first[i])), (1, int(at_second[i]))}) for i in np.flatnonzero(mask)}


def test_a_project_deleted_in_the_middle_leaves_nothing(fragile_stack, service, run):
    project, run_id, _ = run
    answer = service.call("DELETE", project.path, project.result_token)
    assert answer.status_code == 204, answer.text

    wait_until(lambda: left(fragile_stack, project, run_id) == [], 120)
    time.sleep(5)  # longer than a slice takes: a function that was at one has written it by now, or has not
    assert left(fragile_stack, project, run_id) == []


def left(stack, project: Project, run_id: str) -> list[str]:
    """Keys of S3 and Redis that name the run, or its project."""
    store, found = admin_store(stack), []
    for bucket in (stack.data_bucket, stack.upload_bucket):
        for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found += [entry["Key"] for entry in page.get("Contents", ())]
    found += [key.decode() for key in redis.Redis.from_url(stack.redis_url).keys("*")]
    return [key for key in found if run_id in key or project.project_id in key]
