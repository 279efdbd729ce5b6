"""DELETE answers at once; then nothing of the project or the run is left anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import psycopg2
import pytest
import redis

from tests.integration.service import Project, admin_store, wait_until
from tests.unit.factories import linked_encodings

SMALL, LARGE = linked_encodings(31, (50, 50)), linked_encodings(32, (9000, 9000))
RESULT_TYPES = ("groups", "similarity_scores", "permutations")

Traces = Callable[..., list[str]]


@pytest.fixture(scope="module")
def traces(stack) -> Traces:
    """``traces(*ids)`` lists the S3 keys and multipart uploads, rows and Redis keys that hold one of them."""
    s3 = admin_store(stack)

    def in_store() -> Iterator[str]:
        for bucket in (stack.data_bucket, stack.upload_bucket):
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                yield from (entry["Key"] for entry in page.get("Contents", ()))
            for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
                yield from (upload["Key"] for upload in page.get("Uploads", ()))

    def in_database() -> Iterator[str]:
        for (table,) in rows(stack, "select tablename from pg_tables where schemaname = 'public'"):
            yield from (row for (row,) in rows(stack, f'select t::text from "{table}" t'))

    def in_redis() -> Iterator[str]:
        with redis.Redis.from_url(stack.redis_url) as client:
            yield from (key.decode() for key in client.scan_iter())

    def found(*ids: str) -> list[str]:
        everything = [*in_store(), *in_database(), *in_redis()]
        return [entry for entry in everything if any(one in entry for one in ids)]

    return found


def rows(stack, query: str, *values: str) -> list[tuple[str, ...]]:
    with (
        psycopg2.connect(stack.postgres_url, sslmode="disable") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(query, values)
        return cursor.fetchall()


@pytest.fixture
def delete_project(linkage_service, stack, traces) -> Callable[..., None]:
    def deleted_without_trace(project: Project, run_ids: Iterable[str] = ()) -> None:
        query = "select dp_id from data_providers where project_id = %s"
        providers = [dp_id for (dp_id,) in rows(stack, query, project.project_id)]
        assert traces(project.project_id)

        answer = linkage_service.call("DELETE", project.path, project.result_token)

        assert answer.status_code == 204
        assert linkage_service.call("GET", project.path, project.result_token).status_code == 403
        assert linkage_service.call("DELETE", project.path, project.result_token).status_code == 403
        wait_until(lambda: not traces(project.project_id, *providers, *run_ids))

    return deleted_without_trace


@pytest.fixture
def delete_run(linkage_service, traces) -> Callable[..., None]:
    def deleted_without_trace(project: Project, run_id: str) -> None:
        path = f"{project.path}/runs/{run_id}"
        assert traces(run_id)

        answer = linkage_service.call("DELETE", path, project.result_token)

        assert answer.status_code == 204
        for method, suffix in (("GET", ""), ("GET", "/status"), ("GET", "/result"), ("DELETE", "")):
            assert linkage_service.call(method, path + suffix, project.result_token).status_code == 403
        assert run_id not in listed_runs(linkage_service, project)
        wait_until(lambda: not traces(run_id))

    return deleted_without_trace


def listed_runs(linkage_service, project: Project) -> list[str]:
    answer = linkage_service.call("GET", f"{project.path}/runs", project.result_token)
    return [run["run_id"] for run in answer.json()]


def comparing(linkage_service, project: Project) -> str:
    run_id = linkage_service.post_run(project, 0.6)
    wait_until(lambda: linkage_service.status(project, run_id)["state"] == "running")
    return run_id


def test_a_project_before_the_data(linkage_service, delete_project):
    delete_project(linkage_service.create_project())


def test_a_project_with_an_upload_pending(linkage_service, delete_project, traces):
    project = linkage_service.create_project()
    body = {"format": "binary", "bytes": 100_000_000, "count": 781_250, "encoding_size": 128}
    linkage_service.call("POST", f"{project.path}/uploads", project.update_tokens[0], json=body)

    delete_project(project)


def test_a_project_during_ingestion(linkage_service, delete_project):
    project = linkage_service.create_project()
    linkage_service.upload_binary(project, 0, LARGE[0])

    delete_project(project)


def test_a_project_in_the_middle_of_a_compare(linkage_service, delete_project):
    project = linkage_service.project_with(LARGE)

    delete_project(project, [comparing(linkage_service, project)])


@pytest.mark.parametrize("result_type", RESULT_TYPES)
def test_a_project_after_completion(linkage_service, delete_project, result_type):
    project = linkage_service.project_with(SMALL, result_type)
    run_id = linkage_service.post_run(project, 0.9)
    linkage_service.wait_for(project, run_id)

    delete_project(project, [run_id])


def test_a_project_right_after_one_of_its_runs(linkage_service, delete_project):
    project = linkage_service.project_with(SMALL)
    run_ids = [linkage_service.post_run(project, 0.9) for _ in range(2)]
    linkage_service.wait_for(project, run_ids[0])
    linkage_service.call("DELETE", f"{project.path}/runs/{run_ids[0]}", project.result_token)

    delete_project(project, run_ids)


def test_a_run_before_the_data(linkage_service, delete_run):
    project = linkage_service.create_project()

    delete_run(project, linkage_service.post_run(project, 0.9))

    for party, encodings in enumerate(SMALL):
        linkage_service.upload_binary(project, party, encodings)
    assert linkage_service.link(project, 0.9)["groups"]


def test_a_run_during_ingestion(linkage_service, delete_run):
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, 0.6)
    for party, encodings in enumerate(LARGE):
        linkage_service.upload_binary(project, party, encodings)

    delete_run(project, run_id)


def test_a_run_in_the_middle_of_a_compare(linkage_service, delete_run):
    project = linkage_service.project_with(LARGE)

    delete_run(project, comparing(linkage_service, project))

    assert linkage_service.describe(project)["parties_contributed"] == 2


@pytest.mark.parametrize("result_type", RESULT_TYPES)
def test_a_run_after_completion_and_the_project_s_other_data_stays(
    linkage_service, delete_run, traces, result_type
):
    project = linkage_service.project_with(SMALL, result_type)
    deleted, kept = (linkage_service.post_run(project, 0.9) for _ in range(2))
    for run_id in (deleted, kept):
        assert linkage_service.wait_for(project, run_id)["state"] == "completed"
    result = linkage_service.result(project, kept)
    others = [entry for entry in traces(project.project_id) if deleted not in entry]

    delete_run(project, deleted)

    assert linkage_service.result(project, kept) == result
    assert listed_runs(linkage_service, project) == [kept]
    assert len(traces(project.project_id)) == len(others)
    assert linkage_service.wait_for(project, linkage_service.post_run(project, 0.8))["state"] == "completed"


def test_what_was_deleted_is_on_record_without_a_name(linkage_service, delete_run, stack):
    project = linkage_service.project_with(SMALL)
    run_id = linkage_service.post_run(project, 0.9)
    linkage_service.wait_for(project, run_id)
    before = len(rows(stack, "select * from deletions where kind = 'run'"))

    delete_run(project, run_id)

    assert len(rows(stack, "select * from deletions where kind = 'run'")) == before + 1
