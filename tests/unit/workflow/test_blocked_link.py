"""Blocked runs from stored data sets to results, against anonlink's own blocking."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chalicelib.config import settings
from chalicelib.errors import Gone
from chalicelib.storage import cache, layout, objects, projects, runs, uploads
from chalicelib.workflow import chunk_sizes, stored_rows
from chalicelib.workflow import compare as compare_module
from chalicelib.workflow.compare import compare
from chalicelib.workflow.link import link_small
from chalicelib.workflow.merge import merge
from chalicelib.workflow.output import complete, solve
from chalicelib.workflow.plan import plan
from tests.blocked import in_block_order, random_blocks
from tests.oracle import Blocks, anonlink_groups, anonlink_scores, as_sets, block_comparisons
from tests.unit.factories import begun_upload, linked_encodings, new_project

pytestmark = pytest.mark.usefixtures("service")

THRESHOLD = 0.83
PARTIES = pytest.mark.parametrize("counts", [(90, 110), (60, 70, 80)], ids=["two parties", "three parties"])


@pytest.fixture
def in_chunks(override_settings):
    """Every run is cut into many chunks; the large block into tiles."""
    override_settings(SMALL_RUN_MAX_SECONDS="0", CHUNK_MIN_SECONDS="0", COMPARISONS_PER_SECOND="4")


@PARTIES
@pytest.mark.usefixtures("in_chunks")
def test_the_groups_of_a_chunked_run_are_anonlinks(counts):
    datasets, blocks, run = prepared(counts)

    lines = execute(run)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD, blocks))
    assert {"first" in line["chunk"] for line in lines} == {True, False}  # packs, and tiles
    assert runs.find(run.run_id).chunks == len(lines)


@PARTIES
def test_the_groups_of_a_small_run_are_anonlinks(counts):
    datasets, blocks, run = prepared(counts)

    assert plan({"run_id": run.run_id}, None)["is_small"]
    link_small({"run_id": run.run_id}, None)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD, blocks))


def test_every_pair_of_a_small_run_is_once_in_what_is_merged():
    datasets, blocks, run = prepared((90, 110), "similarity_scores")
    plan({"run_id": run.run_id}, None)

    link_small({"run_id": run.run_id}, None)

    expected = anonlink_scores(datasets, THRESHOLD, blocks)
    assert result(run)["similarity_scores"] == expected
    assert runs.find(run.run_id).candidate_pairs == len(expected) > 0


@pytest.mark.usefixtures("in_chunks")
def test_the_scores_of_a_chunked_run_called_twice_are_anonlinks_to_the_bit():
    datasets, blocks, run = prepared((90, 110), "similarity_scores")

    execute(run, times=2)

    assert result(run)["similarity_scores"] == anonlink_scores(datasets, THRESHOLD, blocks)


@pytest.mark.usefixtures("in_chunks")
def test_comparisons_are_those_within_common_blocks_everywhere():
    _, blocks, run = prepared((60, 70, 80))
    total = block_comparisons(blocks)

    lines = planned_chunks(run)
    for line in lines:
        compare(line, None)

    assert runs.find(run.run_id).total_comparisons == total
    assert cache.project_comparisons(run.project_id) == total
    assert cache.progress(run.run_id).done == total
    keys = objects.list_keys("data", layout.candidates_prefix(run.project_id, run.run_id))
    assert sum(map(layout.comparisons_of, keys)) == total


@pytest.mark.usefixtures("in_chunks")
@pytest.mark.parametrize(
    "blocks",
    [[[["a"]] * 90, [["b"]] * 110], [[[]] * 90, [[]] * 110]],
    ids=["blocks of one party each", "no block at all"],
)
def test_without_a_common_block_the_result_is_empty_and_nothing_was_compared(blocks, monkeypatch):
    monkeypatch.setattr(chunk_sizes, "SMALL_RUN_MEMORY_MB", 0)
    _, _, run = prepared((90, 110), blocks=blocks)

    assert plan({"run_id": run.run_id}, None)["is_small"]
    link_small({"run_id": run.run_id}, None)

    assert result(run) == {"groups": []}
    ended = runs.find(run.run_id)
    assert (ended.state, ended.total_comparisons, ended.candidate_pairs) == ("completed", 0, 0)


@pytest.mark.usefixtures("in_chunks")
def test_a_second_attempt_finds_what_the_first_has_compared(monkeypatch):
    _, _, run = prepared((90, 110))
    before = [compare(line, None) for line in planned_chunks(run)]
    monkeypatch.setattr(compare_module, "load", None)

    assert [compare(line, None) for line in planned_chunks(run)] == before


@pytest.mark.usefixtures("in_chunks")
def test_an_attempt_that_is_cut_otherwise_gives_the_same_result(override_settings):
    datasets, blocks, run = prepared((90, 110), "similarity_scores")
    first = planned_chunks(run)
    for line in first[::2]:
        compare(line, None)
    override_settings(COMPARE_CONCURRENCY="30")

    second = execute(run)

    assert len(second) < len(first)
    assert result(run)["similarity_scores"] == anonlink_scores(datasets, THRESHOLD, blocks)


def test_many_small_blocks_are_read_by_few_requests(override_settings, monkeypatch):
    override_settings(SMALL_RUN_MAX_SECONDS="0")
    small_blocks: Blocks = [[[record // 2] for record in range(count)] for count in (900, 700)]
    _, _, run = prepared((900, 700), blocks=small_blocks)
    (line,) = planned_chunks(run)
    read: list[str] = []
    get_range = objects.get_range
    monkeypatch.setattr(objects, "get_range", lambda *args: read.append(args[1]) or get_range(*args))

    compare(line, None)

    assert line["chunk"]["stop"] == 350
    assert sorted(key.rpartition("/")[2] for key in read) == [
        "0-1.u32", "encodings.bin", "encodings.bin", "rows.u32", "rows.u32",
    ]  # fmt: skip


@pytest.mark.usefixtures("in_chunks")
def test_a_line_of_the_manifest_is_short_whatever_it_holds():
    _, _, run = prepared((90, 110))

    assert max(len(json.dumps(line)) for line in planned_chunks(run)) < 1_000


@pytest.mark.usefixtures("in_chunks")
def test_a_run_deleted_while_it_is_planned_leaves_nothing(monkeypatch, redis_client):
    _, _, run = prepared((90, 110))
    stored = list(objects.list_keys("data", layout.project_prefix(run.project_id)))
    begin = cache.begin_run

    def deleted_meanwhile(run_id: str) -> None:
        begin(run_id)
        projects.mark_deleted(run.project_id)

    monkeypatch.setattr(cache, "begin_run", deleted_meanwhile)

    with pytest.raises(Gone):
        plan({"run_id": run.run_id}, None)

    assert list(objects.list_keys("data", layout.project_prefix(run.project_id))) == stored
    assert redis_client.keys() == []


@pytest.mark.parametrize("file", [layout.encodings, layout.rows])
@pytest.mark.usefixtures("in_chunks")
def test_a_data_set_deleted_meanwhile_is_gone_and_no_failure(file):
    _, _, run = prepared((90, 110))
    lines = planned_chunks(run)
    for dataset in projects.datasets(run.project_id):
        objects.delete("data", file(run.project_id, dataset.upload_id))

    with pytest.raises(Gone):
        compare(lines[0], None)


@pytest.mark.parametrize("is_small", [True, False])
def test_what_is_in_the_cache_is_not_read_from_s3(is_small, override_settings):
    if not is_small:
        override_settings(SMALL_RUN_MAX_SECONDS="0", CHUNK_MIN_SECONDS="0", COMPARISONS_PER_SECOND="4")
    datasets, blocks, run = prepared((90, 110), is_cached=True)
    for dataset in projects.datasets(run.project_id):
        for file in (layout.encodings, layout.rows):
            objects.delete("data", file(run.project_id, dataset.upload_id))

    if is_small:
        plan({"run_id": run.run_id}, None)
        link_small({"run_id": run.run_id}, None)
    else:
        execute(run)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD, blocks))


@pytest.mark.parametrize(
    "poison",
    [
        {"encodings": b"", "rows": b""},
        {"encodings": 5},
        {"encodings": None, "rows": 3.0},
        {"rows": b"1234"},
        {"upload_id": "another"},
    ],
    ids=repr,
)
def test_a_poisoned_cache_changes_nothing(poison):
    datasets, blocks, run = prepared((90, 110), is_cached=True)
    for dataset in projects.datasets(run.project_id):
        cached = cache.get_encodings(dataset.dp_id, dataset.upload_id)
        cache.put_encodings(dataset.dp_id, {**cached, **poison})

    plan({"run_id": run.run_id}, None)
    link_small({"run_id": run.run_id}, None)

    assert as_sets(result(run)["groups"]) == as_sets(anonlink_groups(datasets, THRESHOLD, blocks))


@pytest.mark.usefixtures("in_chunks")
def test_rows_far_apart_are_read_by_a_request_each(monkeypatch):
    datasets, blocks, run = prepared((90, 110), "similarity_scores")
    monkeypatch.setattr(stored_rows, "_GAP_BYTES", 0)
    monkeypatch.setattr(stored_rows, "_REQUEST_BYTES", 3 * 128)

    execute(run)

    assert result(run)["similarity_scores"] == anonlink_scores(datasets, THRESHOLD, blocks)


def prepared(
    counts: tuple[int, ...],
    result_type: str = "groups",
    *,
    blocks: Blocks | None = None,
    is_cached: bool = False,
) -> tuple[list[np.ndarray], Blocks, runs.Run]:
    project_id, providers = new_project(len(counts), result_type, uses_blocking=True)
    datasets, blocks = linked_encodings(7, counts), blocks or random_blocks(3, counts)
    for provider, rows, of_party in zip(providers, datasets, blocks, strict=True):
        upload = begun_upload(provider)
        files = in_block_order(rows, of_party).files()
        for file, name in (
            (layout.encodings, "encodings"),
            (layout.rows, "rows"),
            (layout.blocks, "blocks"),
        ):
            objects.put("data", file(project_id, upload.upload_id), files[name])
        uploads.accept(upload.upload_id, len(rows), rows.shape[1])
        if is_cached:
            cache.put_encodings(provider.dp_id, {"upload_id": upload.upload_id, **files})
    run = runs.create(project_id, threshold=THRESHOLD, name="", notes="")
    runs.queue_ready(project_id)
    return datasets, blocks, run


def planned_chunks(run: runs.Run) -> list[dict]:
    planned = plan({"run_id": run.run_id}, None)
    assert not planned["is_small"]
    manifest = objects.get(settings().data_bucket, planned["manifest"]["key"])
    return [json.loads(line) for line in manifest.splitlines()]


def execute(run: runs.Run, times: int = 1) -> list[dict]:
    for _ in range(times):
        lines = planned_chunks(run)
    for line in lines * times:
        compare(line, None)
    for _ in range(times):
        merge({"run_id": run.run_id}, None)
    if projects.find(run.project_id).result_type == "groups":
        solve({"run_id": run.run_id}, None)
    complete({"run_id": run.run_id}, None)
    return lines


def result(run: runs.Run) -> dict:
    return json.loads(objects.get("data", layout.result(run.project_id, run.run_id)))
