"""FEBRL4 linked into an encrypted mask, held against permutations of the same data; nothing in clear."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import psycopg2
import pytest
import redis
from phe import paillier, util

from demo import febrl4
from demo.encoding import Encoder, read_schema
from tests.integration.service import Service, admin_client, admin_store
from tests.oracle import anonlink_groups

pytestmark = pytest.mark.slow

THRESHOLD = 0.85
PUBLIC, PRIVATE = paillier.generate_paillier_keypair(n_length=2048)
JWK = {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": util.int_to_base64(PUBLIC.n)}


@pytest.fixture(scope="module")
def service(stack) -> Service:
    return Service(stack.api_url)


@pytest.fixture(scope="module")
def febrl() -> list[np.ndarray]:
    with Encoder(read_schema()) as encoder:
        encoded = [b"".join(rows for _, rows in encoder.encode(party.rows)) for party in febrl4.load()]
    return [np.frombuffer(rows, dtype=np.uint8).reshape(5_000, -1) for rows in encoded]


@pytest.fixture(scope="module")
def linked(service, febrl):
    """The project, its run, all status answers on the way, and the two parties' results."""
    context = {"base": 2, "encoded": True}
    project = service.create_project("permutation", public_key=JWK, paillier_context=context)
    receipts = [
        service.upload_binary(project, i, rows).json()["receipt_token"] for i, rows in enumerate(febrl)
    ]
    run_id = service.post_run(project, THRESHOLD)
    seen = [service.status(project, run_id)]
    while seen[-1]["state"] not in ("completed", "error"):
        seen.append(service.status(project, run_id))
    assert seen[-1]["state"] == "completed", seen[-1]
    return project, run_id, seen, [service.result(project, run_id, receipt) for receipt in receipts]


@pytest.fixture(scope="module")
def mask(linked) -> np.ndarray:
    texts = linked[3][0]["mask"]
    return np.array([PRIVATE.raw_decrypt(util.base64_to_int(text)) for text in texts], dtype=np.uint8)


def masked_pairs(mask, permutations) -> set[frozenset[tuple[int, int]]]:
    first, second = (np.argsort(permutation) for permutation in permutations)
    return {frozenset({(0, int(first[p])), (1, int(second[p]))}) for p in np.flatnonzero(mask)}


@pytest.fixture(scope="module")
def in_clear(service, febrl) -> tuple[np.ndarray, list[list[int]]]:
    """The mask and the permutations of a run of type ``permutations``."""
    project, run_id, receipts = service.completed(febrl, "permutations", THRESHOLD)
    permutations = [service.result(project, run_id, receipt)["permutation"] for receipt in receipts]
    return np.array(service.result(project, run_id)["mask"], dtype=np.uint8), permutations


def test_the_masked_records_are_those_of_anonlink_and_of_permutations_in_clear(febrl, linked, mask, in_clear):
    encrypted_pairs = masked_pairs(mask, [result["permutation"] for result in linked[3]])

    assert encrypted_pairs == masked_pairs(*in_clear)
    assert encrypted_pairs == anonlink_groups(febrl, THRESHOLD)
    assert len(encrypted_pairs) > 4_000


def test_encrypting_has_a_stage_with_progress_rate_time_and_cost(linked):
    seen = linked[2]
    encrypting = [
        each for each in seen if each["state"] == "running" and each["current_stage"]["number"] == 4
    ]
    bits = [each["current_stage"]["progress"]["absolute"] for each in encrypting]

    assert {each["current_stage"]["description"] for each in encrypting} == {"encrypt mask"}
    assert bits == sorted(bits)
    assert len(set(bits)) > 3
    assert any(each["eta_seconds"] for each in encrypting)
    assert any(each["rate"] and each["rate"] < 5_000 for each in encrypting)
    costs = [each["cost"]["usd"] for each in seen]
    assert costs == sorted(costs)
    assert costs[-1] > 3 * costs[0]


def test_the_plain_mask_is_nowhere(stack, linked, mask, in_clear):
    run_id = linked[1]
    everything = {**_objects(stack), **_rows(stack), **_keys(stack), **_logs(stack)}
    everything["histories"] = _histories(stack, run_id)

    assert _places_of(in_clear[0], everything)  # of what may be found it is found
    assert _places_of(mask, everything) == []
    names = [place for place in everything if run_id in place and place.startswith("s3:data")]
    kept = {name.rpartition("/")[2] for name in names if "/map/" not in name}
    assert kept <= {"manifest.jsonl", "permutation-0.json", "permutation-1.json"}


def _places_of(mask: np.ndarray, everything: dict[str, bytes]) -> list[str]:
    """Where a piece of the mask stands: packed into bytes, as JSON writes it, as digits. It is too long
    to be found by chance, and has some of the few bits that are 0."""
    start = next(start for start in range(0, 4_000, 8) if (mask[start : start + 128] == 0).sum() >= 4)
    piece = mask[start : start + 128]
    packed, digits = np.packbits(piece).tobytes(), "".join(map(str, piece.tolist()))
    texts = [packed.hex(), digits, ",".join(digits), ", ".join(digits)]
    spellings = [packed, *(text.encode() for text in texts)]
    return [place for place, content in everything.items() if any(each in content for each in spellings)]


def _objects(stack) -> dict[str, bytes]:
    """All there is in S3, with what was overwritten or deleted, where the bucket keeps that."""
    store, found = admin_store(stack), {}
    for label, bucket in (("data", stack.data_bucket), ("uploads", stack.upload_bucket)):
        for page in store.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", ()):
                name = {"Key": version["Key"], "VersionId": version["VersionId"]}
                body = store.get_object(Bucket=bucket, **name)["Body"].read()
                found[f"s3:{label}:{version['VersionId']}:{version['Key']}"] = body
        for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", ()):
                body = store.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                found[f"s3:{label}:{entry['Key']}"] = body
    return found


def _rows(stack) -> dict[str, bytes]:
    with psycopg2.connect(stack.postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f'select t::text from "{table}" t')
            found[f"postgres:{table}"] = "\n".join(row for (row,) in cursor.fetchall()).encode()
    return found


def _keys(stack) -> dict[str, bytes]:
    client = redis.Redis.from_url(stack.redis_url)
    return {f"redis:{key!r}": client.dump(key) or b"" for key in client.keys("*")}


def _logs(stack) -> dict[str, bytes]:
    return {f"log:{path.name}": path.read_bytes() for path in Path(stack.logs_dir).iterdir()}


def _histories(stack, run_id: str) -> bytes:
    states = admin_client(stack, "stepfunctions")
    execution = stack.state_machines["link"].replace(":stateMachine:", ":execution:") + ":" + run_id
    maps = [run["mapRunArn"] for run in states.list_map_runs(executionArn=execution)["mapRuns"]]
    children = [
        child["executionArn"]
        for each in maps
        for child in states.list_executions(mapRunArn=each).get("executions", ())
    ]
    texts = [str(states.get_execution_history(executionArn=arn)["events"]) for arn in (execution, *children)]
    assert re.search("EncryptMask", texts[0])
    return "\n".join(texts).encode()
