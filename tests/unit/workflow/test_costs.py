from __future__ import annotations

import time

import pytest

from chalicelib.errors import Gone, StoreUnavailable
from chalicelib.storage import cache, deleted_runs, runs
from chalicelib.workflow import costs
from chalicelib.workflow.costs import charged
from tests.unit.factories import ready_project

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def run() -> runs.Run:
    """A running run of 1,000 comparisons in 4 chunks."""
    project_id = ready_project()
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    runs.queue_ready(project_id)
    cache.begin_run(run.run_id)
    runs.begin(run.run_id, 1_000, 4)
    return runs.find(run.run_id)


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time in seconds, as the meter sees it: ``clock[0]``."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def memory(monkeypatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")


def cost(run: runs.Run) -> tuple[float, int]:
    now = runs.find(run.run_id)
    return now.gb_seconds, now.requests


def test_a_call_is_charged_by_its_memory_and_time(run, clock):
    @charged
    def handler(event):
        clock[0] += 3
        return event["run_id"]

    assert handler({"run_id": run.run_id}) == run.run_id
    assert cost(run) == (pytest.approx(6), 1)


def test_a_call_that_raises_is_charged_as_well(run, clock):
    @charged
    def handler(_event):
        clock[0] += 1
        raise Gone

    with pytest.raises(Gone):
        handler({"run_id": run.run_id})

    assert cost(run) == (pytest.approx(2), 1)


def test_a_call_that_completes_the_run_is_charged_with_that_and_not_again(run, clock):
    seen = []

    @charged
    def handler(_event):
        clock[0] += 1
        costs.complete(run.run_id, 0)
        seen.append(cost(run))
        clock[0] += 2

    handler({"run_id": run.run_id})

    assert seen == [(pytest.approx(2), 1)]
    assert cost(run) == seen[0]
    assert runs.find(run.run_id).state == "completed"


def test_a_call_that_could_not_complete_the_run_is_charged_when_it_ends(run, clock, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("The database is not available")

    @charged
    def handler(_event):
        clock[0] += 1
        costs.complete(run.run_id, 0)

    monkeypatch.setattr(runs, "complete", away)
    with pytest.raises(StoreUnavailable):
        handler({"run_id": run.run_id})

    assert cost(run) == (pytest.approx(2), 1)


def test_a_failed_charge_fails_no_state(run, monkeypatch):
    def away(*_):
        raise StoreUnavailable("The database is not available")

    monkeypatch.setattr(runs, "charge", away)

    assert charged(lambda _: "done")({"run_id": run.run_id}) == "done"


def test_a_run_that_is_gone_costs_nothing_and_hinders_nobody():
    assert charged(lambda _: "done")({"run_id": "0" * 48}) == "done"


def test_what_is_not_metered_charges_nothing(run):
    costs.complete(run.run_id, 0)

    assert cost(run) == (0, 0)


def test_the_compare_functions_are_charged_once_when_all_is_compared(run, override_settings):
    override_settings(COMPARE_MEMORY_MB="3072")
    for chunk in (0, 1, 1):
        cache.count_chunk(run.run_id, chunk, 500, 0, 1_500)

    for _ in range(2):
        costs.record_compared(run)

    assert cost(run) == (pytest.approx(2 * 1.5 * 3), 2)


def test_without_redis_they_are_estimated_from_the_comparisons(run, redis_client, override_settings):
    override_settings(COMPARE_MEMORY_MB="1769", COMPARISONS_PER_SECOND="100")
    redis_client.flushall()

    costs.record_compared(run)

    assert cost(run) == (pytest.approx(10 * 1769 / 1024), 4)


def test_a_deleted_run_is_gone_here_too(run):
    deleted_runs.mark(run.run_id)

    with pytest.raises(Gone):
        costs.record_compared(run)
