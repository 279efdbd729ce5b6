"""What the workflow counts, by doing its work."""

from __future__ import annotations

import time

import pytest

from chalicelib.errors import Gone
from chalicelib.prices import usd
from chalicelib.storage import ages, cache, database, deleted_runs, layout, objects, projects, runs, uploads
from chalicelib.workflow import purge as purge_module
from chalicelib.workflow.compare import compare
from chalicelib.workflow.failures import fail, reject
from chalicelib.workflow.ingest import ingest
from chalicelib.workflow.link import link_small
from chalicelib.workflow.merge import merge
from chalicelib.workflow.output import complete, solve
from chalicelib.workflow.plan import plan
from chalicelib.workflow.purge import purge
from chalicelib.workflow.reconcile import reconcile
from tests.unit.factories import begun_upload, linked_encodings, new_project, ready_project
from tests.unit.observability.conftest import CONTEXT
from tests.unit.workflow.test_link import planned_chunks, prepared

pytestmark = pytest.mark.usefixtures("service")

UNFORESEEN = {"Error": "Lambda.Unknown", "Cause": "killed"}
FORESEEN = {"Error": "PermanentError", "Cause": "too many pairs"}


@pytest.fixture
def in_chunks(override_settings):
    override_settings(SMALL_RUN_MAX_SECONDS="0", CHUNK_MIN_SECONDS="0", COMPARISONS_PER_SECOND="1e4")


def move_back(table: str, column: str, key: str, subject_id: str, seconds: int) -> None:
    @database.transactional
    def update(cursor) -> None:
        cursor.execute(
            f"update {table} set {column} = utc_now() - %s * interval '1 second' where {key} = %s",
            (seconds, subject_id),
        )

    update()


def queued_run() -> runs.Run:
    project_id = ready_project()
    runs.create(project_id, threshold=0.5, name="", notes="")
    return runs.queue_ready(project_id)[0]


@pytest.mark.usefixtures("in_chunks")
def test_a_chunked_run_counts_its_work_its_waits_its_stages_and_its_price(told):
    _, run = prepared((90, 110))
    move_back("runs", "time_queued", "run_id", run.run_id, 100)
    lines = planned_chunks(run)

    for line in lines:
        compare(line, CONTEXT)
    for state in (merge, solve, complete):
        state({"run_id": run.run_id}, CONTEXT)

    figures, ended = told.figures, runs.find(run.run_id)
    assert sum(figures["Comparisons"]) == 90 * 110
    assert sum(figures["CandidatePairs"]) == ended.candidate_pairs
    for name in ("ChunkMilliseconds", "ComparisonsPerSecond", "ChunkWaitSeconds"):
        assert len(figures[name]) == len(lines)
        assert min(figures[name]) >= 0
    assert figures["RunsCompleted"] == [1.0]
    assert figures["RunCost"] == [pytest.approx(usd(ended.gb_seconds, ended.requests))]
    stages = [f"{stage}Seconds" for stage in ("Plan", "Compare", "Merge", "Solve", "Deliver")]
    assert sum(figures[stage][0] for stage in stages) == pytest.approx(figures["RunSeconds"][0])
    assert figures["RunSeconds"][0] >= 100
    assert figures["PlanSeconds"][0] >= figures["RunWaitSeconds"][0] >= 100
    assert "PermuteSeconds" not in figures


@pytest.mark.usefixtures("in_chunks")
def test_work_that_is_done_twice_counts_twice_and_a_chunk_that_is_there_not_at_all(told):
    _, run = prepared((90, 110))
    line = planned_chunks(run)[0]
    comparisons = compare_once(line, told)

    compare(line, CONTEXT)  # a retry whose file is there
    once = sum(told.figures["Comparisons"])
    bucket, prefix = "data", layout.candidates_prefix(run.project_id, run.run_id)
    for key in objects.list_keys(bucket, prefix):
        objects.delete(bucket, key)
    compare(line, CONTEXT)  # a retry of a worker that was killed before it wrote

    assert once == comparisons
    assert sum(told.figures["Comparisons"]) == 2 * comparisons
    assert cache.progress(run.run_id).done == comparisons


def compare_once(line: dict, told) -> float:
    compare(line, CONTEXT)
    return sum(told.figures["Comparisons"])


@pytest.mark.usefixtures("in_chunks")
def test_a_manifest_of_an_earlier_release_is_compared_all_the_same(told):
    _, run = prepared((90, 110))
    line = planned_chunks(run)[0]
    del line["planned_at"]

    compare(line, CONTEXT)

    assert "ChunkWaitSeconds" not in told.figures
    assert "Comparisons" in told.figures


def test_a_small_run_counts_its_work_and_no_rate(told):
    _, run = prepared((30, 40))
    plan({"run_id": run.run_id}, CONTEXT)

    link_small({"run_id": run.run_id}, CONTEXT)
    with pytest.raises(Gone):  # it has ended: nothing counts twice
        link_small({"run_id": run.run_id}, CONTEXT)

    assert told.figures["Comparisons"] == [30.0 * 40]
    assert told.figures["RunsCompleted"] == [1.0]
    assert "ComparisonsPerSecond" not in told.figures


@pytest.mark.parametrize(("error", "metric"), [(FORESEEN, "RunsRefused"), (UNFORESEEN, "RunsFailed")])
def test_a_run_in_error_counts_once_by_whose_fault_it_is(told, error, metric):
    run = queued_run()

    for _ in range(2):
        fail({"run_id": run.run_id, "error": error}, CONTEXT)

    assert told.figures == {metric: [1.0]}


@pytest.mark.parametrize(("error", "metric"), [(FORESEEN, "UploadsRefused"), (UNFORESEEN, "UploadsFailed")])
def test_an_upload_in_error_counts_once_by_whose_fault_it_is(told, error, metric):
    _, (provider, _) = new_project()
    upload = begun_upload(provider)

    for _ in range(2):
        reject({"upload_id": upload.upload_id, "error": error}, CONTEXT)

    assert told.figures == {metric: [1.0]}


def test_an_upload_counts_its_wait_and_its_records_once(told):
    _, (provider, _) = new_project()
    (rows, _) = linked_encodings(7, (5, 5))
    upload = begun_upload(provider, size_bytes=rows.nbytes, encodings_count=5)
    objects.put(upload.bucket, upload.object_key, rows.tobytes())
    move_back("uploads", "time_delivered", "upload_id", upload.upload_id, 60)

    for _ in range(2):
        ingest({"upload_id": upload.upload_id}, CONTEXT)

    figures = told.figures
    assert (figures["UploadsIngested"], figures["RecordsIngested"]) == ([1.0], [5.0])
    (waited,) = figures["UploadWaitSeconds"]
    assert waited >= 60


def test_the_reconciler_tells_the_ages_of_what_is_under_way_each_time(told, fates):
    fates["running"] = True

    reconcile({}, CONTEXT)
    _, (provider, _) = new_project()
    upload, run, deleted = begun_upload(provider), queued_run(), queued_run()
    projects.mark_deleted(ready_project())
    deleted_runs.mark(deleted.run_id)
    move_back("uploads", "time_delivered", "upload_id", upload.upload_id, 100)
    move_back("runs", "time_queued", "run_id", run.run_id, 1_000)
    move_back("runs", "time_queued", "run_id", deleted.run_id, 50_000)  # it is the purge's now
    move_back("runs", "deleted_at", "run_id", deleted.run_id, 10_000)
    reconcile({}, CONTEXT)

    figures = told.figures
    for name, seconds in {"OldestUpload": 100, "OldestRun": 1_000, "OldestPurge": 10_000}.items():
        none, oldest = figures[f"{name}Seconds"]
        assert none == 0
        assert seconds <= oldest < seconds + 100


def test_what_the_reconciler_gives_up_is_the_service_s_fault(told, fates):
    fates["ended"] = True
    _, (provider, _) = new_project()
    begun_upload(provider)
    queued_run()

    for _ in range(4):
        reconcile({}, CONTEXT)

    figures = told.figures
    assert (figures["RunsFailed"], figures["UploadsFailed"]) == ([1.0], [1.0])
    taken_up = [line for line in told.lines if line["level"] == "WARNING"]
    assert sorted((line["work"], line["attempt"]) for line in taken_up) == [
        ("ingest", 1),
        ("ingest", 2),
        ("link", 1),
        ("link", 2),
    ]


def test_a_purge_that_leaves_nothing_says_so(told):
    project_id = ready_project()
    projects.mark_deleted(project_id)

    while purge({"project_id": project_id}, CONTEXT)["found"]:
        pass

    assert told.figures["ObjectsLeft"] == [0.0]


@pytest.mark.parametrize("kind", ["project", "run"])
def test_what_is_written_after_the_last_pass_is_removed_and_told(told, monkeypatch, kind):
    run = queued_run()
    key = layout.merged(run.project_id, run.run_id)
    if kind == "project":
        projects.mark_deleted(run.project_id)
        event, module = {"project_id": run.project_id}, purge_module.projects
    else:
        deleted_runs.mark(run.run_id)
        event, module = {"run_id": run.run_id}, purge_module.deleted_runs
    forget = module.forget

    def forget_while_somebody_writes(subject_id: str) -> None:
        forget(subject_id)
        objects.put("data", key, b"late")

    monkeypatch.setattr(module, "forget", forget_while_somebody_writes)
    while purge(event, CONTEXT)["found"]:
        pass

    assert told.figures["ObjectsLeft"] == [1.0]
    assert not objects.exists("data", key)


def test_an_age_is_never_negative():
    _, (provider, _) = new_project()
    upload = begun_upload(provider)
    move_back("uploads", "time_delivered", "upload_id", upload.upload_id, -3_600)
    delivered = uploads.find(upload.upload_id).time_delivered

    assert delivered is not None
    assert ages.age_seconds(delivered) == 0


def test_a_clock_that_runs_behind_makes_no_negative_wait(told, monkeypatch, override_settings):
    override_settings(SMALL_RUN_MAX_SECONDS="0")
    _, run = prepared((20, 20))
    line = planned_chunks(run)[0]
    line["planned_at"] = time.time() + 3_600

    compare(line, CONTEXT)

    assert told.figures["ChunkWaitSeconds"] == [0.0]
