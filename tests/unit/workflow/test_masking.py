"""Encrypted masks, from permutations that are to be drawn to what is delivered, whatever is cut off."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from phe import paillier, util

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage import permutation, rendering
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.storage.costs import encrypting_seconds
from chalicelib.workflow import encrypting, failures, masking
from chalicelib.workflow.encrypting import encrypt_mask
from chalicelib.workflow.mask_slices import plan_slices
from chalicelib.workflow.output import complete
from chalicelib.workflow.permuting import draw_permutations, permute
from tests.groups import as_groups
from tests.unit.factories import ready_project

pytestmark = pytest.mark.usefixtures("service")

PUBLIC, PRIVATE = paillier.generate_paillier_keypair(n_length=1024)
GROUPS = [[(0, 1), (1, 3)], [(0, 4), (1, 0)], [(0, 19), (1, 21)]]
SLICES = [(0, 8), (8, 16), (16, 20)]


@pytest.fixture
def solved(monkeypatch) -> runs.Run:
    """A run of 20 and 22 records with three matches, whose mask makes three slices."""
    monkeypatch.setattr(masking, "plan_slices", lambda *_: iter(SLICES))
    project_id = ready_project((20, 22), "permutation", util.int_to_base64(PUBLIC.n))
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    runs.queue_ready(project_id)
    runs.begin(run.run_id, 440, 1)
    runs.record_compared(run.run_id)
    runs.record_merged(run.run_id, 3)
    objects.put("data", layout.manifest(project_id, run.run_id), b"{}\n")
    objects.put("data", layout.groups(project_id, run.run_id), rendering.groups_to_bytes(as_groups(GROUPS)))
    objects.put("data", layout.merged(project_id, run.run_id), b"pairs")
    objects.put("data", layout.candidates(project_id, run.run_id, (0, 0, 20), (1, 0, 22)), b"pairs")
    return runs.find(run.run_id)


@pytest.fixture
def permuted(solved) -> tuple[runs.Run, list[dict]]:
    """It, and the lines of the manifest."""
    answer = permute({"run_id": solved.run_id}, None)
    lines = objects.get("data", answer["manifest_key"]).splitlines()
    return solved, [json.loads(line) for line in lines]


def drawn(run: runs.Run) -> permutation.Permutations:
    return permutation.from_bytes(objects.get("data", layout.permutation(run.project_id, run.run_id)))


def delivered(run: runs.Run) -> list[dict]:
    keys = [layout.permutation_result(run.project_id, run.run_id, i) for i in (0, 1)]
    return [json.loads(objects.get("data", key)) for key in keys]


def decrypted(mask: list[str]) -> list[int]:
    return [PRIVATE.raw_decrypt(util.base64_to_int(text)) for text in mask]


def names(run: runs.Run) -> list[str]:
    prefix = layout.run_prefix(run.project_id, run.run_id)
    return [key.removeprefix(prefix) for key in objects.list_keys("data", prefix)]


def test_both_parties_get_their_permutation_and_the_mask_that_was_drawn(permuted):
    run, lines = permuted
    expected = drawn(run)
    for line in lines:
        encrypt_mask(line, None)
    complete({"run_id": run.run_id}, None)

    first, second = delivered(run)
    assert decrypted(first["mask"]) == expected.mask.tolist()
    assert first["mask"] == second["mask"]
    assert [first["permutation"], second["permutation"]] == [p.tolist() for p in expected.permutations]
    assert first["rows"] == second["rows"] == 20
    assert first["paillier_context"] == {"base": 2, "encoded": True}


def test_nothing_stays_but_what_is_delivered(permuted):
    run, lines = permuted
    for line in lines:
        encrypt_mask(line, None)
    complete({"run_id": run.run_id}, None)

    assert names(run) == ["manifest.jsonl", "permutation-0.json", "permutation-1.json"]
    assert cache.mask_progress(run.run_id) is None
    row = runs.find(run.run_id)
    assert (row.state, row.mask_bits) == ("completed", 20)
    assert row.time_encrypted is not None


def test_a_slice_that_is_encrypted_again_stays_as_it_is(permuted):
    run, lines = permuted
    key = layout.mask_slice(run.project_id, run.run_id, 0, 8)
    encrypt_mask(lines[0], None)
    before = objects.get("data", key)

    encrypt_mask(lines[0], None)
    encrypting.write_slice(lines[0])  # one that began before it was there

    assert objects.get("data", key) == before
    assert cache.mask_progress(run.run_id).done == 8


def test_a_manifest_stays_as_it_is_if_settings_change_between_two_attempts(permuted, monkeypatch):
    run, lines = permuted
    encrypt_mask(lines[0], None)
    monkeypatch.setattr(masking, "plan_slices", lambda *_: iter([(0, 20)]))

    answer = permute({"run_id": run.run_id}, None)

    again = [json.loads(line) for line in objects.get("data", answer["manifest_key"]).splitlines()]
    assert again == lines


def test_what_no_function_has_encrypted_is_encrypted_at_the_end(permuted):
    run, lines = permuted
    expected = drawn(run)
    encrypt_mask(lines[1], None)
    complete({"run_id": run.run_id}, None)

    assert decrypted(delivered(run)[0]["mask"]) == expected.mask.tolist()


def test_a_run_without_states_for_it_encrypts_too(solved):
    complete({"run_id": solved.run_id}, None)

    assert sum(decrypted(delivered(solved)[1]["mask"])) == len(GROUPS)


def test_a_completion_that_was_cut_off_after_removing_goes_on(permuted, monkeypatch):
    run, lines = permuted
    for line in lines:
        encrypt_mask(line, None)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "complete", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError):
            complete({"run_id": run.run_id}, None)
    before = delivered(run)

    complete({"run_id": run.run_id}, None)

    assert delivered(run) == before
    assert runs.find(run.run_id).state == "completed"


def test_a_mask_with_a_gap_is_no_mask(permuted):
    run, lines = permuted
    for line in (lines[0], lines[2]):
        encrypt_mask(line, None)

    with pytest.raises(PermanentError, match="8 of the mask's 20 bits"):
        list(masking.read_slices(run, 20))


def test_of_a_run_that_fails_neither_mask_nor_matches_stay(permuted):
    run, lines = permuted
    encrypt_mask(lines[0], None)

    failures.fail({"run_id": run.run_id, "error": {"Error": "States.Timeout", "Cause": "{}"}}, None)

    assert runs.find(run.run_id).state == "error"
    assert names(run) == ["manifest.jsonl"]


def test_permutations_that_come_after_the_end_are_removed(permuted):
    run, lines = permuted
    for line in lines:
        encrypt_mask(line, None)
    complete({"run_id": run.run_id}, None)
    # A call that was under way all the time and knows nothing of it.
    objects.put(
        "data", layout.groups(run.project_id, run.run_id), rendering.groups_to_bytes(as_groups(GROUPS))
    )
    project = projects.find(run.project_id)
    with pytest.raises(Gone):
        draw_permutations(run, project)

    assert "permutation.bin" not in names(run)


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_of_a_deleted_project_nothing_is_encrypted(permuted, monkeypatch, moment):
    run, lines = permuted
    manifest = layout.manifest(run.project_id, run.run_id)
    if moment == "before":
        objects.delete("data", manifest)
    else:
        write = encrypting.write_slice
        monkeypatch.setattr(
            encrypting, "write_slice", lambda work: (write(work), objects.delete("data", manifest))
        )

    with pytest.raises(Gone):
        encrypt_mask(lines[0], None)

    assert [name for name in names(run) if name.endswith(".txt")] == []


def test_without_a_mask_there_is_nothing_to_encrypt(permuted):
    run, lines = permuted
    objects.delete("data", layout.permutation(run.project_id, run.run_id))

    with pytest.raises(Gone):
        encrypt_mask(lines[0], None)


@pytest.mark.parametrize(
    ("bits", "key_bits"), [(1, 2048), (8, 2048), (20, 1024), (5_000, 2048), (1_000_000, 4096)]
)
def test_slices_cover_the_mask_once_and_begin_at_whole_bytes(bits, key_bits):
    slices = list(plan_slices(bits, key_bits))

    assert slices[0][0] == 0
    assert slices[-1][1] == bits
    assert all(stop == start for (_, stop), (start, _) in pairwise(slices))
    assert all(start % 8 == 0 and stop > start for start, stop in slices)


def test_an_empty_mask_has_no_slices():
    assert list(plan_slices(0, 2048)) == []


@pytest.mark.parametrize("key_bits", [1024, 2048, 4096])
@pytest.mark.parametrize("bits", [20_000, 1_000_000, 50_000_000])
def test_a_slice_is_worth_a_functions_start_and_far_from_its_end(bits, key_bits):
    s = settings()

    slices = list(plan_slices(bits, key_bits))[:-1]  # the last is what is left

    seconds = [encrypting_seconds(stop - start, key_bits, s.compare_memory_mb) for start, stop in slices]
    assert seconds
    assert min(seconds) >= 0.9 * s.chunk_min_seconds
    assert max(seconds) <= 1.1 * s.chunk_max_seconds
