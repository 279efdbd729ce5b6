"""The link state machine's functions, called in the order of ``link.asl.json``, against real
Postgres and Redis and an in-process S3. The oracle is anonlink's own pipeline."""

from __future__ import annotations

import json

import pytest

from chalicelib.config import settings
from chalicelib.errors import Gone, PermanentError
from chalicelib.storage import cache, layout, objects, projects, runs
from chalicelib.workflow import chunk_sizes
from chalicelib.workflow import compare as compare_module
from chalicelib.workflow.compare import compare
from chalicelib.workflow.failures import fail
from chalicelib.workflow.ingest import ingest
from chalicelib.workflow.link import link_small
from chalicelib.workflow.merge import merge
from chalicelib.workflow.output import complete, solve
from chalicelib.workflow.plan import plan
from tests.oracle import anonlink_groups, anonlink_scores, as_sets
from tests.unit.factories import begun_upload, linked_encodings, new_project

pytestmark = pytest.mark.usefixtures("service")

THRESHOLD = 0.83


@pytest.fixture
def in_chunks(override_settings):
    """Every run is cut into many chunks."""
    override_settings(SMALL_RUN_MAX_SECONDS="0", CHUNK_MIN_SECONDS="0", COMPARISONS_PER_SECOND="1e4")


@pytest.mark.parametrize("counts", [(90, 110), (60, 70, 80)], ids=["two parties", "three parties"])
@pytest.mark.usefixtures("in_chunks")
def test_the_groups_of_a_chunked_run_are_anonlinks(counts):
    datasets, run = prepared(counts)

    execute(run)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD))
    assert runs.find(run.run_id).chunks > 4


@pytest.mark.parametrize("counts", [(90, 110), (60, 70, 80)], ids=["two parties", "three parties"])
def test_the_groups_of_a_small_run_are_anonlinks(counts):
    datasets, run = prepared(counts)

    assert plan({"run_id": run.run_id}, None)["is_small"]
    link_small({"run_id": run.run_id}, None)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD))
    assert runs.find(run.run_id).state == "completed"


@pytest.mark.usefixtures("in_chunks")
def test_the_similarity_scores_of_a_chunked_run_are_anonlinks_to_the_bit():
    datasets, run = prepared((90, 110), result_type="similarity_scores")

    execute(run)

    expected = anonlink_scores(datasets, THRESHOLD)
    assert result(run)["similarity_scores"] == expected
    assert runs.find(run.run_id).candidate_pairs == len(expected)


@pytest.mark.usefixtures("in_chunks")
def test_a_run_that_is_cut_into_slices_for_an_index_has_the_same_scores(monkeypatch):
    monkeypatch.setenv("DICE_KERNEL_PATH", "index")
    monkeypatch.setattr(chunk_sizes, "_FEW_COMPARISONS", 0)  # so that the work is known
    datasets, run = prepared((90, 210), result_type="similarity_scores")

    chunks = [line["chunk"] for line in planned_chunks(run)]
    execute(run)

    assert len(chunks) > 1
    assert {chunk["stop_a"] - chunk["start_a"] for chunk in chunks} == {90}
    assert result(run)["similarity_scores"] == anonlink_scores(datasets, THRESHOLD)
    assert runs.find(run.run_id).total_comparisons == 90 * 210


@pytest.mark.usefixtures("in_chunks")
def test_every_state_called_twice_gives_the_same_result():
    datasets, run = prepared((90, 110))

    execute(run, times=2)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD))


@pytest.mark.usefixtures("in_chunks")
def test_progress_counts_each_chunk_once_however_often_it_runs():
    _, run = prepared((90, 110))
    lines = planned_chunks(run)

    for line in [*lines, *lines]:
        compare(line, None)

    assert cache.progress(run.run_id).done == 90 * 110


@pytest.mark.usefixtures("in_chunks")
def test_the_names_of_candidate_files_tell_the_progress_without_redis():
    _, run = prepared((90, 110))
    lines = planned_chunks(run)
    prefix = layout.candidates_prefix(run.project_id, run.run_id)

    for line in lines:
        compare(line, None)

    assert sum(map(layout.comparisons_of, objects.list_keys("data", prefix))) == 90 * 110


@pytest.mark.usefixtures("in_chunks")
def test_a_run_completes_when_redis_is_flushed_in_the_middle(redis_client):
    datasets, run = prepared((90, 110))
    lines = planned_chunks(run)
    for line in lines[: len(lines) // 2]:
        compare(line, None)

    redis_client.flushall()
    for line in lines[len(lines) // 2 :]:
        compare(line, None)
    finish(run)

    assert cache.progress(run.run_id) is None
    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD))


@pytest.mark.usefixtures("in_chunks")
def test_a_chunk_that_an_earlier_attempt_finished_is_not_compared_again(monkeypatch):
    _, run = prepared((90, 110))
    lines = planned_chunks(run)
    before = compare(lines[0], None)
    monkeypatch.setattr(compare_module, "load", None)

    assert compare(lines[0], None) == before


@pytest.mark.usefixtures("in_chunks")
def test_a_worker_that_writes_after_the_deletion_leaves_nothing():
    _, run = prepared((90, 110))
    line = planned_chunks(run)[0]
    objects.delete("data", layout.manifest(run.project_id, run.run_id))

    with pytest.raises(Gone):
        compare(line, None)

    prefix = layout.candidates_prefix(run.project_id, run.run_id)
    assert list(objects.list_keys("data", prefix)) == []


@pytest.mark.usefixtures("in_chunks")
def test_no_state_writes_for_a_project_deleted_before_it_began():
    _, run = prepared((90, 110))
    for line in planned_chunks(run):
        compare(line, None)
    projects.mark_deleted(run.project_id)
    objects.delete_prefix("data", layout.project_prefix(run.project_id))

    for state in (plan, link_small, merge, solve, complete):
        with pytest.raises(Gone):
            state({"run_id": run.run_id}, None)
    fail({"run_id": run.run_id, "error": {"Error": "Gone", "Cause": "{}"}}, None)

    assert list(objects.list_keys("data", layout.project_prefix(run.project_id))) == []


@pytest.mark.usefixtures("in_chunks")
@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("SIMILARITY_SCORES_MAX_CANDIDATE_PAIRS", "more than the global limit of candidate pairs"),
        ("SOLVER_MAX_CANDIDATE_PAIRS", "Attempting to solve with more than the global limit"),
    ],
)
def test_too_many_candidate_pairs_end_the_run_with_the_reason(override_settings, limit, message):
    _, run = prepared((90, 110))
    override_settings(**{limit: "3"})

    with pytest.raises(PermanentError, match=message) as raised:
        execute(run)
    fail({"run_id": run.run_id, "error": permanent(str(raised.value))}, None)

    ended = runs.find(run.run_id)
    assert ended.state == "error"
    assert message in ended.message


@pytest.mark.usefixtures("in_chunks")
def test_why_a_chunk_failed_outlives_the_map_that_fails_with_words_of_its_own(monkeypatch):
    _, run = prepared((90, 110))
    line = planned_chunks(run)[0]
    monkeypatch.setattr(compare_module, "MAX_CANDIDATE_PAIRS", 0)
    monkeypatch.setitem(line, "threshold", 0.1)

    with pytest.raises(PermanentError):
        compare(line, None)
    threshold_exceeded = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "threshold exceeded"}
    fail({"run_id": run.run_id, "error": threshold_exceeded}, None)

    assert runs.find(run.run_id).message.startswith("This run has created more than the global limit")


def test_a_failure_after_completion_does_not_undo_it():
    _, run = prepared((20, 20))
    plan({"run_id": run.run_id}, None)
    link_small({"run_id": run.run_id}, None)

    fail({"run_id": run.run_id, "error": permanent("late")}, None)

    assert runs.find(run.run_id).state == "completed"


@pytest.mark.usefixtures("in_chunks")
def test_no_candidate_pair_at_all_is_an_empty_result():
    _, run = prepared((90, 110), threshold=1.0)
    execute(run)

    assert result(run) == {"groups": []}


def prepared(counts: tuple[int, ...], result_type: str = "groups", threshold: float = THRESHOLD):
    project_id, providers = new_project(len(counts), result_type)
    datasets = linked_encodings(7, counts)
    for provider, rows in zip(providers, datasets, strict=True):
        upload = begun_upload(provider, size_bytes=rows.nbytes, encodings_count=len(rows))
        objects.put(upload.bucket, upload.object_key, rows.tobytes())
        ingest({"upload_id": upload.upload_id}, None)
    run = runs.create(project_id, threshold=threshold, name="", notes="")
    runs.queue_ready(project_id)
    return datasets, run


def planned_chunks(run: runs.Run) -> list[dict]:
    planned = plan({"run_id": run.run_id}, None)
    manifest = objects.get(settings().data_bucket, planned["manifest"]["key"])
    return [json.loads(line) for line in manifest.splitlines()]


def execute(run: runs.Run, times: int = 1) -> None:
    for _ in range(times):
        lines = planned_chunks(run)
    for line in lines * times:
        compare(line, None)
    finish(run, times)


def finish(run: runs.Run, times: int = 1) -> None:
    states = (merge, complete) if result_type_of(run) == "similarity_scores" else (merge, solve, complete)
    for state in states:
        for _ in range(times if state is not complete else 1):
            state({"run_id": run.run_id}, None)


def result_type_of(run: runs.Run) -> str:
    return projects.find(run.project_id).result_type


def result(run: runs.Run) -> dict:
    return json.loads(objects.get("data", layout.result(run.project_id, run.run_id)))


def permanent(message: str) -> dict[str, str]:
    return {"Error": "PermanentError", "Cause": json.dumps({"errorMessage": message})}
