"""Encrypted masks: each party gets its permutation and a mask that only the owner's private key opens."""

from __future__ import annotations

import numpy as np
import pytest
from phe import paillier, util

from tests.contract.service import ACCESS_DENIED
from tests.oracle import anonlink_groups
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(77, (24, 30))
THRESHOLD = 0.85
PUBLIC, PRIVATE = paillier.generate_paillier_keypair(n_length=2048)
CONTEXT = {"base": 2, "encoded": True}


def jwk(n: int = PUBLIC.n, **changes: object) -> dict[str, object]:
    n_text = util.int_to_base64(n)
    return {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": n_text, "kid": "a test's"} | changes


def decrypted(mask: list[str]) -> list[int]:
    ciphertexts = [paillier.EncryptedNumber(PUBLIC, util.base64_to_int(text), 0) for text in mask]
    return [PRIVATE.decrypt(each) for each in ciphertexts]


@pytest.fixture(scope="module")
def encrypted(linkage_service):
    project = linkage_service.create_project("permutation", public_key=jwk(), paillier_context=CONTEXT)
    receipts = [
        linkage_service.upload_binary(project, i, rows).json()["receipt_token"] for i, rows in enumerate(ROWS)
    ]
    run_id = linkage_service.post_run(project, THRESHOLD)
    status = linkage_service.wait_for(project, run_id)
    assert status["state"] == "completed", status
    return project, run_id, receipts, status


def test_the_holder_of_the_private_key_learns_where_matches_meet_and_they_are_anonlink_s(
    linkage_service, encrypted
):
    project, run_id, receipts, _ = encrypted
    first, second = (linkage_service.result(project, run_id, receipt) for receipt in receipts)
    at_first = {position: record for record, position in enumerate(first["permutation"])}
    at_second = {position: record for record, position in enumerate(second["permutation"])}

    mask = decrypted(first["mask"])

    assert len(mask) == first["rows"] == second["rows"] == 24
    assert {
        frozenset({(0, at_first[position]), (1, at_second[position])})
        for position, bit in enumerate(mask)
        if bit
    } == anonlink_groups(ROWS, THRESHOLD)
    assert set(mask) == {0, 1}


def test_both_parties_get_the_same_mask_and_its_context(linkage_service, encrypted):
    project, run_id, receipts, _ = encrypted
    first, second = (linkage_service.result(project, run_id, receipt) for receipt in receipts)

    assert first["mask"] == second["mask"]
    assert len(set(first["mask"])) == 24  # equal bits don't look alike
    assert first["paillier_context"] == second["paillier_context"] == CONTEXT
    assert sorted(second["permutation"]) == list(range(30))


def test_the_owner_gets_the_status_and_no_result(linkage_service, encrypted):
    project, run_id, _, status = encrypted
    answer = linkage_service.call("GET", f"{project.path}/runs/{run_id}/result", project.result_token)

    assert answer.status_code == 403
    assert "receipt" in answer.json()["detail"]
    assert (status["stages"], status["current_stage"]["number"]) == (4, 4)
    assert {"time_permuted", "time_encrypted"} <= status["stage_times"].keys()
    assert status["cost"]["usd"] > 0


def test_nobody_else_gets_anything(linkage_service, encrypted):
    project, run_id, _, _ = encrypted
    for token in project.update_tokens:
        answer = linkage_service.call("GET", f"{project.path}/runs/{run_id}/result", token)
        assert (answer.status_code, answer.json()["detail"]) == (403, ACCESS_DENIED)


def test_a_large_result_is_a_redirect_to_the_object_store(linkage_service):
    rows = np.random.default_rng(78).integers(0, 256, (900_000, 8), dtype=np.uint8)
    project = linkage_service.create_project("permutation", public_key=jwk(), paillier_context=CONTEXT)
    receipt = linkage_service.upload_directly(project, 0, rows).json()["receipt_token"]
    linkage_service.upload_binary(project, 1, rows[:3])
    run_id = linkage_service.post_run(project, 1.0)
    assert linkage_service.wait_for(project, run_id)["state"] == "completed"
    path = f"{project.path}/runs/{run_id}/result"

    stopped = linkage_service.call("GET", path, receipt, allow_redirects=False)
    result = linkage_service.result(project, run_id, receipt)

    assert (stopped.status_code, len(stopped.content)) == (303, 0)
    assert decrypted(result["mask"]) == [1, 1, 1]
    assert sorted(result["permutation"]) == list(range(900_000))
    assert sorted(result["permutation"][:3]) == [0, 1, 2]


def test_the_estimate_tells_what_encrypting_takes(linkage_service, encrypted):
    project = encrypted[0]
    estimate = linkage_service.call("POST", f"{project.path}/estimate", project.result_token, json={}).json()

    assert estimate["mask"]["bits"] == 24
    assert 0 < estimate["mask"]["seconds"] <= estimate["seconds"]
    assert 0 < estimate["mask"]["dollars"] <= estimate["dollars"]


def test_the_project_shows_its_key_and_no_other_project_does(linkage_service, encrypted):
    shown = linkage_service.describe(encrypted[0])
    assert (shown["public_key"], shown["paillier_context"]) == (jwk(), CONTEXT)

    other = linkage_service.create_project("groups", public_key=jwk(), paillier_context=CONTEXT)

    assert not {"public_key", "paillier_context"} & linkage_service.describe(other).keys()


BAD_KEYS = {
    "short": (jwk(PUBLIC.n >> 1000), "must have 2048 at least"),
    "even": (jwk(PUBLIC.n - 1), "even"),
    "prime": (jwk(2**2203 - 1), "prime"),
    "square": (jwk(max(PRIVATE.p, PRIVATE.q) ** 2), "square"),
    "small factors": (jwk(PUBLIC.n * 7), "small factors"),
    "100,000 bits": (jwk((1 << 99_999) + 1), "may have 4096 at most"),
    "negative": (jwk() | {"n": -5}, "string"),
    "not base64url": (jwk() | {"n": "a+b/c=="}, "pattern"),
    "empty": (jwk() | {"n": ""}, "pattern"),
    "no modulus": ({"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"]}, "n"),
    "another algorithm": (jwk(alg="RSA-OAEP"), "alg"),
    "another type": (jwk(kty="RSA"), "kty"),
    "not for encrypting": (jwk(key_ops=["decrypt"]), "key_ops"),
    "private": (jwk() | {"p": "AQ", "q": "AQ"}, "private key"),
    "not an object": ("AQAB", "object"),
}


@pytest.mark.parametrize(("key", "reason"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_bad_key_is_refused_with_the_reason(linkage_service, key, reason):
    body = {"schema": {}, "result_type": "permutation", "public_key": key, "paillier_context": CONTEXT}

    answer = linkage_service.call("POST", "/projects", json=body)

    assert answer.status_code == 400
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize("missing", ["public_key", "paillier_context"])
def test_without_a_key_or_its_context_there_is_no_encryption(linkage_service, missing):
    body = {"schema": {}, "result_type": "permutation", "public_key": jwk(), "paillier_context": CONTEXT}
    del body[missing]

    answer = linkage_service.call("POST", "/projects", json=body)

    assert (answer.status_code, missing in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "context", [{}, {"base": 1, "encoded": True}, {"base": 2}, {"base": "2", "encoded": True}]
)
def test_a_bad_context_is_refused(linkage_service, context):
    body = {"schema": {}, "result_type": "permutation", "public_key": jwk(), "paillier_context": context}

    answer = linkage_service.call("POST", "/projects", json=body)

    assert answer.status_code == 400
    assert "paillier_context" in answer.json()["detail"]


def test_it_is_for_two_parties(linkage_service):
    body = {"schema": {}, "result_type": "permutation", "number_parties": 3}
    body |= {"public_key": jwk(), "paillier_context": CONTEXT}

    assert linkage_service.call("POST", "/projects", json=body).status_code == 400
