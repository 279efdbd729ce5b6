"""Merging the candidate files of a run, of which there are more than one function reads."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chalicelib.errors import Gone, PermanentError
from chalicelib.linkage.candidates import (
    CANDIDATE_DTYPE,
    concatenate,
    from_bytes,
    sort_candidates,
    to_bytes,
)
from chalicelib.linkage.merging import without_repeats
from chalicelib.storage import clients, layout, objects, projects, runs
from chalicelib.workflow import merge as merge_module
from chalicelib.workflow.merge import merge, merge_part
from chalicelib.workflow.secret_objects import remove_what_tells_more
from tests.unit.factories import ready_project

pytestmark = pytest.mark.usefixtures("service")

FILES = 30


@pytest.fixture(autouse=True)
def few_files(monkeypatch) -> None:
    """One function reads four files: of 30 there are 8 parts, of 8 parts 3 larger ones."""
    monkeypatch.setattr(merge_module, "MAX_FILES", 4)


@pytest.fixture
def compared() -> tuple[runs.Run, np.ndarray]:
    """A run whose chunks are compared, and what is to come of them."""
    project_id = ready_project((900, 900), "similarity_scores")
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    runs.queue_ready(project_id)
    runs.begin(run.run_id, 900 * 900, FILES)
    random, chunks = np.random.default_rng(5), []
    for chunk in range(FILES):
        pairs = np.zeros(0 if chunk == 7 else 200, dtype=CANDIDATE_DTYPE)  # pairs of one in another, too
        pairs["dataset_b"] = 1
        pairs["record_a"], pairs["record_b"] = random.integers(0, 40, (2, len(pairs)))
        pairs["score"] = 0.5 + (pairs["record_a"] * 40 + pairs["record_b"]) % 13 / 26
        chunks.append(without_repeats(sort_candidates(pairs)))
        write(run, chunk, chunks[-1])
    return runs.find(run.run_id), without_repeats(sort_candidates(concatenate(chunks)))


def write(run: runs.Run, chunk: int, pairs: np.ndarray) -> None:
    key = layout.candidates(run.project_id, run.run_id, (0, chunk * 30, chunk * 30 + 30), (1, 0, 900))
    objects.put("data", key, b"".join(to_bytes([pairs])))


def call_merge(run: runs.Run) -> dict:
    return merge({"run_id": run.run_id}, None)


def lines(answer: dict) -> list[dict]:
    return [json.loads(line) for line in objects.get("data", answer["manifest_key"]).splitlines()]


def merged_in_parts(run: runs.Run, times: int = 1) -> list[int]:
    """As the state machine does it; returns how many parts there were in each turn."""
    turns = []
    while (answer := call_merge(run))["in_parts"]:
        call_merge(run)
        turns.append(len(lines(answer)))
        for line in lines(answer) * times:
            merge_part(line, None)
    return turns


def result(run: runs.Run) -> np.ndarray:
    return from_bytes(objects.get("data", layout.merged(run.project_id, run.run_id)))


@pytest.mark.parametrize("times", [1, 2])
def test_many_files_are_merged_by_way_of_parts(compared, times):
    run, expected = compared

    assert merged_in_parts(run, times) == [8, 3]

    assert result(run).tolist() == expected.tolist()
    assert runs.find(run.run_id).candidate_pairs == len(expected)


def test_few_files_are_merged_at_once(compared, monkeypatch):
    run, expected = compared
    monkeypatch.setattr(merge_module, "MAX_FILES", FILES)

    assert merged_in_parts(run) == []

    assert result(run).tolist() == expected.tolist()


def test_only_the_parts_that_are_not_there_are_merged(compared):
    run, expected = compared
    for line in lines(call_merge(run))[:5]:
        merge_part(line, None)

    assert merged_in_parts(run) == [3, 3]

    assert result(run).tolist() == expected.tolist()


def test_parts_of_other_files_are_not_taken_for_these(compared):
    run, _ = compared
    merged_in_parts(run)
    more = np.array([(0.99, 0, 1, 899, 899)], dtype=CANDIDATE_DTYPE)
    write(run, FILES, more)

    merged_in_parts(run)

    assert result(run)[0].tolist() == more[0].tolist()


def test_parts_are_not_counted_as_progress(compared):
    run, _ = compared
    prefix = layout.candidates_prefix(run.project_id, run.run_id)
    before = list(objects.list_keys("data", prefix))

    merged_in_parts(run)

    assert list(objects.list_keys("data", prefix)) == before


def test_too_many_pairs_are_refused_and_no_part_has_many_more(compared, override_settings):
    run, _ = compared
    override_settings(SIMILARITY_SCORES_MAX_CANDIDATE_PAIRS="150")

    with pytest.raises(PermanentError, match="more than the global limit of candidate pairs"):
        merged_in_parts(run)

    prefix = layout.merging_prefix(run.project_id, run.run_id)
    sizes = [size for key, size in objects.list_sizes("data", prefix) if key.endswith(".bin")]
    assert max(sizes) == 4 + 24 * 151


def test_what_is_merged_for_a_deleted_project_is_removed(compared, monkeypatch):
    run, _ = compared
    line = lines(call_merge(run))[0]
    write_stream = objects.write_stream

    def deleted_meanwhile(*args):
        projects.mark_deleted(run.project_id)
        objects.delete_prefix("data", layout.project_prefix(run.project_id))
        return write_stream(*args)

    monkeypatch.setattr(objects, "write_stream", deleted_meanwhile)
    monkeypatch.setattr(merge_module, "merge_candidates", lambda _: iter([]))
    with pytest.raises(Gone):
        merge_part(line, None)
    with pytest.raises(Gone):
        call_merge(run)

    assert list(objects.list_keys("data", layout.project_prefix(run.project_id))) == []


def test_a_manifest_that_is_written_for_a_deleted_project_is_removed(compared, monkeypatch):
    run, _ = compared
    write_stream = objects.write_stream

    def deleted_meanwhile(*args):
        projects.mark_deleted(run.project_id)
        return write_stream(*args)

    monkeypatch.setattr(objects, "write_stream", deleted_meanwhile)
    with pytest.raises(Gone):
        call_merge(run)

    assert list(objects.list_keys("data", layout.merging_prefix(run.project_id, run.run_id))) == []


def test_the_manifest_of_parts_is_where_step_functions_reads_it_until_the_run_may_keep_none(
    compared, override_settings
):
    override_settings(MANIFEST_BUCKET="manifests")
    clients.s3().create_bucket(
        Bucket="manifests", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    run, _ = compared

    key = call_merge(run)["manifest_key"]

    assert list(objects.list_keys("manifests", "")) == [key]
    assert not objects.exists("data", key)
    remove_what_tells_more(run, projects.find(run.project_id))
    assert list(objects.list_keys("manifests", "")) == []


def test_a_part_that_comes_after_the_end_of_the_run_is_removed(compared, monkeypatch):
    run, _ = compared
    line = lines(call_merge(run))[0]
    write_stream = objects.write_stream

    def ended_meanwhile(*args):
        runs.record_merged(run.run_id, 0)
        remove_what_tells_more(run, projects.find(run.project_id))
        runs.complete(run.run_id)
        return write_stream(*args)

    monkeypatch.setattr(objects, "write_stream", ended_meanwhile)
    monkeypatch.setattr(merge_module, "merge_candidates", lambda _: iter([]))
    with pytest.raises(Gone, match="is completed"):
        merge_part(line, None)

    assert list(objects.list_keys("data", layout.merging_prefix(run.project_id, run.run_id))) == []
