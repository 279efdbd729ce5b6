"""Parts are killed in the middle of a run: it completes with the right result, or ends with a reason."""

from __future__ import annotations

import time

import pytest

from localstack.stack import Stack
from tests.integration.service import Project, Service, admin_store, wait_until
from tests.oracle import anonlink_groups, as_sets
from tests.reliability.workers import kill_workers_of
from tests.unit.factories import linked_encodings

DATASETS = linked_encodings(41, (14_000, 12_000))
THRESHOLD = 0.85


@pytest.fixture(scope="module")
def expected() -> set[frozenset[tuple[int, int]]]:
    return anonlink_groups(DATASETS, THRESHOLD)


@pytest.fixture
def run(service) -> tuple[Project, str]:
    """A run that is comparing, with some chunks done and many to do."""
    for _ in range(20):  # a moment that is soon over, and on a busy machine may go by unseen
        project = service.project_with(DATASETS)
        run_id = service.post_run(project, THRESHOLD)
        while (done := compared(service, project, run_id)) == 0:
            time.sleep(0.005)
        if done < 1:
            return project, run_id
        service.wait_for(project, run_id)
    raise AssertionError("no run was seen comparing")


def compared(service: Service, project: Project, run_id: str) -> float:
    """The share of comparisons that are done; 1 from then on."""
    status = service.status(project, run_id)
    assert status["state"] in ("created", "queued", "running", "completed"), status
    stage = status["current_stage"]
    return stage["progress"]["relative"] if stage["number"] == 2 else float(stage["number"] > 2)


def completes_as_expected(service, run, expected) -> None:
    project, run_id = run
    status = service.wait_for(project, run_id)
    assert status["state"] == "completed", status
    assert as_sets(service.result(project, run_id)["groups"]) == expected


def test_compare_functions_killed_in_the_middle_are_tried_again(fragile_stack, service, run, expected):
    kill_workers_of(fragile_stack, "compare")

    completes_as_expected(service, run, expected)


def test_redis_killed_in_the_middle_loses_nothing(fragile_stack, service, run, expected):
    before = compared(service, *run)

    fragile_stack.kill("redis")

    status = service.status(*run)
    if status["state"] == "running" and status["current_stage"]["number"] == 2:
        assert status["current_stage"]["progress"]["relative"] >= before
    completes_as_expected(service, run, expected)


def test_postgres_killed_in_the_middle_loses_nothing(fragile_stack, service, run, expected):
    fragile_stack.kill("postgres")

    completes_as_expected(service, run, expected)


def test_a_run_whose_emulator_was_killed_is_taken_up(fragile_stack, service, run, expected):
    fragile_stack.kill("emulator")
    wait_until(lambda: is_up(service))

    completes_as_expected(service, run, expected)


def test_a_run_goes_on_after_the_stack_was_stopped_and_started(fragile_stack, service, run, expected):
    fragile_stack.restart()

    completes_as_expected(service, run, expected)


def test_results_outlive_a_restart(fragile_stack, service):
    rows = linked_encodings(42, (50, 60))
    project = service.project_with(rows)
    run_id = service.post_run(project, THRESHOLD)
    service.wait_for(project, run_id)

    fragile_stack.restart()

    assert as_sets(service.result(project, run_id)["groups"]) == anonlink_groups(rows, THRESHOLD)
    assert as_sets(service.link(project, 0.95)["groups"]) == anonlink_groups(rows, 0.95)


def test_a_run_whose_data_is_lost_ends_in_error_with_the_reason(fragile_stack, service):
    project = service.project_with(DATASETS)
    store = admin_store(fragile_stack)
    prefix = f"projects/{project.project_id}/datasets/"
    wait_until(lambda: len(encodings(store, fragile_stack, prefix)) == 2)
    store.delete_object(Bucket=fragile_stack.data_bucket, Key=encodings(store, fragile_stack, prefix)[0])

    status = service.wait_for(project, service.post_run(project, THRESHOLD))

    assert status["state"] == "error"
    assert status["message"] == "the data set was deleted"


def encodings(store, stack: Stack, prefix: str) -> list[str]:
    listed = store.list_objects_v2(Bucket=stack.data_bucket, Prefix=prefix).get("Contents", ())
    return [entry["Key"] for entry in listed if entry["Key"].endswith("encodings.bin")]


def is_up(service: Service) -> bool:
    try:
        return service.call("GET", "/status").status_code == 200
    except OSError:
        return False
