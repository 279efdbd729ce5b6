from __future__ import annotations

import json
from datetime import timedelta

import pytest

from chalicelib.api import results, run_status
from chalicelib.storage import cache, database, direct_uploads, layout, objects, projects, runs, uploads
from chalicelib.workflow import costs as workflow_costs
from chalicelib.workflow import reconcile
from tests.unit.factories import begun_upload, create_project

pytestmark = pytest.mark.usefixtures("service")


class Owner:
    """The owner of a project whose data is ready, with its verbs."""

    def __init__(self, api, result_type: str = "groups", ready: int = 2) -> None:
        self.api = api
        self.project = create_project(result_type=result_type)
        self.project_id = self.project.project_id
        self.providers = projects.data_providers(self.project_id)
        for provider in self.providers[:ready]:
            uploads.accept(begun_upload(provider).upload_id, 5, 128)

    def call(self, method: str, path: str = "", **options):
        return self.api.call(
            method, f"/projects/{self.project_id}/runs{path}", self.project.result_token, **options
        )

    def post(self, threshold: object = 0.9) -> str:
        return self.call("POST", json={"threshold": threshold}).json["run_id"]

    def status(self, run_id: str) -> dict:
        answer = self.call("GET", f"/{run_id}/status")
        assert answer.status == 200, answer.text
        return answer.json

    def result(self, run_id: str, **query: str):
        return self.call("GET", f"/{run_id}/result", query=query)

    def completed(self, result: object) -> str:
        run_id = self.post()
        runs.begin(run_id, 25, 1)
        runs.record_merged(run_id, 3)
        runs.complete(run_id)
        objects.put("data", layout.result(self.project_id, run_id), json.dumps(result).encode())
        return run_id


@pytest.fixture
def owner(api) -> Owner:
    return Owner(api)


@pytest.fixture
def running(owner) -> str:
    """A run with 100 comparisons to do."""
    run_id = owner.post()
    cache.begin_run(run_id)
    runs.begin(run_id, 100, 4)
    return run_id


def make_older(run_id: str, column: str, age: timedelta) -> None:
    @database.transactional
    def update(cursor) -> None:
        cursor.execute(f"update runs set {column} = {column} - %s where run_id = %s", (age, run_id))

    update()


def test_a_run_of_ready_data_starts_at_once(owner, started):
    answer = owner.call("POST", json={"threshold": 0.9, "name": "a"})

    run_id = answer.json["run_id"]
    assert answer.status == 201
    assert answer.json == {"run_id": run_id, "threshold": 0.9, "name": "a", "notes": ""}
    assert started == [("link", run_id, 1)]
    assert owner.call("GET", f"/{run_id}").json == answer.json


def test_a_run_posted_before_the_data_waits_and_is_listed(api, started):
    owner = Owner(api, ready=1)

    run_id = owner.post()

    assert started == []
    assert [(run["run_id"], run["state"]) for run in owner.call("GET").json] == [(run_id, "created")]


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, "0.9", None, True, [0.9], float("nan")])
def test_a_threshold_that_is_none_is_refused(owner, threshold):
    assert owner.call("POST", json={"threshold": threshold}).status == 400


def test_a_project_with_a_refused_upload_takes_no_runs_and_says_why(api):
    owner = Owner(api, ready=1)
    uploads.reject(begun_upload(owner.providers[1]).upload_id, "expected 128 bytes")

    answer = owner.call("POST", json={"threshold": 0.9})

    assert answer.status == 400
    assert "data set 1 was refused: expected 128 bytes" in answer.detail


@pytest.mark.parametrize("path", ["", "/status", "/result"])
def test_a_run_of_another_project_is_not_found(api, owner, path):
    run_id = Owner(api).post()

    assert owner.call("GET", f"/{run_id}{path}").status == 403


def test_stage_1_counts_the_parties_that_have_contributed(api):
    owner = Owner(api, ready=1)

    status = owner.status(owner.post())

    assert (status["state"], status["stages"], status["time_started"]) == ("created", 3, None)
    assert status["current_stage"] == {
        "number": 1,
        "description": "waiting for CLKs",
        "progress": {
            "absolute": 1,
            "relative": 0.5,
            "description": "number of parties already contributed",
        },
    }


def test_stage_2_counts_comparisons(owner, running):
    make_older(running, "time_started", timedelta(seconds=10))
    cache.count_chunk(running, 0, 25, 7)

    status = owner.status(running)

    assert status["current_stage"]["number"] == 2
    assert status["current_stage"]["progress"]["absolute"] == 25
    assert status["current_stage"]["progress"]["relative"] == 0.25
    assert status["rate"] == pytest.approx(2.5, rel=0.1)
    assert status["eta_seconds"] == pytest.approx(30, rel=0.1)


def test_without_redis_the_candidate_files_tell(owner, running, redis_client):
    redis_client.flushall()
    key = layout.candidates(owner.project_id, running, (0, 0, 5), (1, 0, 8))
    objects.put("data", key, b"")

    assert owner.status(running)["current_stage"]["progress"]["absolute"] == 40


def test_progress_never_goes_backwards_when_redis_forgets(owner, running, redis_client):
    cache.count_chunk(running, 0, 75, 0)
    before = owner.status(running)["current_stage"]["progress"]["absolute"]
    redis_client.flushall()

    assert (before, owner.status(running)["current_stage"]["progress"]["absolute"]) == (75, 75)


def test_progress_never_goes_backwards_when_a_later_attempt_counts_from_nothing(owner, running):
    key = layout.candidates(owner.project_id, running, (0, 0, 5), (1, 0, 8))
    objects.put("data", key, b"")
    runs.next_attempt(running, 1)

    assert owner.status(running)["current_stage"]["progress"]["absolute"] == 40


def test_stage_3_begins_when_all_is_compared(owner, running):
    runs.record_compared(running)

    assert owner.status(running)["current_stage"] == {"number": 3, "description": "compute output"}


def test_similarity_scores_have_two_stages(api):
    owner = Owner(api, "similarity_scores")
    run_id = owner.post()
    runs.begin(run_id, 100, 4)
    runs.record_compared(run_id)

    status = owner.status(run_id)

    assert (status["stages"], status["current_stage"]["number"]) == (2, 2)
    assert status["current_stage"]["progress"]["relative"] == 1.0


def test_a_run_without_comparisons_has_done_them_all(owner):
    run_id = owner.post()
    runs.begin(run_id, 0, 0)

    assert owner.status(run_id)["current_stage"]["progress"]["relative"] == 1.0


def test_a_completed_run_tells_its_times_and_comparisons(owner):
    status = owner.status(owner.completed({"groups": []}))

    assert (status["state"], status["total_number_comparisons"], status["eta_seconds"]) == (
        "completed",
        25,
        0,
    )
    assert status["time_completed"] == status["stage_times"]["time_completed"]
    assert status["current_stage"]["progress"]["relative"] == 1.0


def test_a_queued_run_knows_its_comparisons_from_another_run_of_the_project(owner):
    run_id = owner.post()
    before = owner.status(run_id)
    cache.put_project_comparisons(owner.project_id, 25)

    after = owner.status(run_id)

    assert (before["state"], after["state"]) == ("queued", "queued")
    assert "total_number_comparisons" not in before
    assert after["total_number_comparisons"] == 25


def test_the_cost_is_what_was_charged_and_what_is_not_yet(owner, running, override_settings):
    runs.charge(running, 1.5, 2)
    override_settings(COMPARE_MEMORY_MB="2048")
    cache.count_chunk(running, 0, 25, 0, 3_000)

    cost = owner.status(running)["cost"]

    assert (cost["gb_seconds"], cost["requests"]) == (7.5, 3)
    assert cost["usd"] == pytest.approx(7.5 * 0.0000166667 + 3 * (0.0000002 + 0.000025), rel=1e-4)


def test_what_has_been_charged_is_not_counted_twice(owner, running):
    cache.count_chunk(running, 0, 100, 0, 3_000)
    before = owner.status(running)["cost"]

    workflow_costs.record_compared(runs.find(running))

    assert owner.status(running)["cost"] == before


def test_without_redis_the_cost_is_estimated(owner, running, redis_client, override_settings):
    redis_client.flushall()
    override_settings(COMPARE_MEMORY_MB="1769", COMPARISONS_PER_SECOND="10")
    objects.put("data", layout.candidates(owner.project_id, running, (0, 0, 5), (1, 0, 10)), b"")

    assert owner.status(running)["cost"]["gb_seconds"] == pytest.approx(5 * 1769 / 1024, abs=1e-4)
    assert owner.status(running)["cost"]["requests"] == 2


def test_a_run_that_waits_has_cost_nothing(api):
    owner = Owner(api, ready=1)

    assert owner.status(owner.post())["cost"] == {"gb_seconds": 0, "requests": 0, "usd": 0}


def test_a_run_in_error_tells_its_message(owner, running):
    runs.fail(running, "Mismatch in encoding sizes. Stopping")

    status = owner.status(running)

    assert (status["state"], status["message"]) == ("error", "Mismatch in encoding sizes. Stopping")


@pytest.fixture
def reconciled(monkeypatch) -> list[str]:
    calls: list[str] = []
    monkeypatch.setattr(reconcile, "reconcile_run", lambda run: calls.append(run.run_id))
    return calls


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(run_status, "STALE_SECONDS", 0)


def test_a_run_queued_for_long_is_given_to_the_reconciler_once(owner, reconciled):
    run_id = owner.post()
    owner.status(run_id)
    assert reconciled == []
    make_older(run_id, "time_queued", timedelta(seconds=20))
    run_status._watches.clear()

    owner.status(run_id)
    owner.status(run_id)

    assert reconciled == [run_id]


def test_a_run_that_does_not_move_is_given_to_the_reconciler(owner, running, reconciled, impatient):
    owner.status(running)
    assert reconciled == []

    owner.status(running)

    assert reconciled == [running]


def test_a_run_that_moves_is_left_alone(owner, running, reconciled, impatient):
    for chunk in range(4):
        cache.count_chunk(running, chunk, 25, 0)
        owner.status(running)

    assert reconciled == []


def test_a_failing_reconciler_does_not_hinder_the_status(owner, running, monkeypatch, impatient):
    monkeypatch.setattr(reconcile, "reconcile_run", lambda _: 1 / 0)

    owner.status(running)

    assert owner.status(running)["state"] == "running"


def test_the_result_of_a_run_that_goes_on_is_not_there(owner, running):
    answer = owner.result(running)

    assert (answer.status, answer.detail) == (404, "run is not complete")


def test_the_result_of_a_run_in_error_is_its_message(owner, running):
    runs.fail(running, "Mismatch in encoding sizes. Stopping")

    answer = owner.result(running)

    assert (answer.status, answer.detail) == (500, "Mismatch in encoding sizes. Stopping")


def test_a_result_is_passed_on_as_it_was_rendered(owner):
    run_id = owner.completed({"groups": [[[0, 1], [1, 2]]]})

    assert owner.result(run_id).json == {"groups": [[[0, 1], [1, 2]]]}


def test_a_result_too_large_for_a_response_is_a_redirect_to_it(owner, monkeypatch):
    run_id = owner.completed({"groups": []})
    monkeypatch.setattr(results, "RESPONSE_LIMIT_BYTES", 3)
    monkeypatch.setattr(direct_uploads, "sign_download", lambda bucket, key, _type: f"https://{bucket}/{key}")

    redirect, told = owner.result(run_id), owner.result(run_id, redirect="false")

    url = f"https://data/{layout.result(owner.project_id, run_id)}"
    assert (redirect.status, redirect.headers["Location"], redirect.text) == (303, url, "")
    assert (told.status, told.json) == (200, {"url": url})
