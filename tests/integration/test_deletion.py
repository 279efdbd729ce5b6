"""DELETE answers at once; then nothing of the project is left anywhere."""

from __future__ import annotations

import psycopg2
import pytest
import redis

from tests.integration.service import admin_store, wait_until
from tests.unit.factories import linked_encodings

SMALL, LARGE = linked_encodings(31, (50, 50)), linked_encodings(32, (9000, 9000))


@pytest.fixture(scope="module")
def traces(stack):
    """What a project left: ``traces(project_id)`` lists S3 keys, rows and Redis keys."""
    s3 = admin_store(stack)

    def in_store(project_id: str) -> list[str]:
        found = []
        for bucket, prefix in (
            (stack.data_bucket, f"projects/{project_id}/"),
            (stack.upload_bucket, project_id),
        ):
            found += [
                entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
            ]
            uploads = s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", ())
            found += [upload["Key"] for upload in uploads]
        return found

    def in_database(project_id: str) -> list[tuple]:
        with (
            psycopg2.connect(stack.postgres_url, sslmode="disable") as connection,
            connection.cursor() as cursor,
        ):
            rows = []
            for table in ("projects", "data_providers", "uploads", "runs"):
                cursor.execute(f"select * from {table} where project_id = %s", (project_id,))
                rows += cursor.fetchall()
            return rows

    def in_redis(run_ids: list[str]) -> list[str]:
        with redis.Redis.from_url(stack.redis_url) as client:
            return [run_id for run_id in run_ids if client.exists(f"run:{run_id}")]

    return lambda project_id, run_ids=(): (
        in_store(project_id) + in_database(project_id) + in_redis(list(run_ids))
    )


def deleted_without_trace(linkage_service, traces, project, run_ids=()) -> None:
    answer = linkage_service.call("DELETE", project.path, project.result_token)
    assert answer.status_code == 204
    assert linkage_service.call("GET", project.path, project.result_token).status_code == 403
    assert linkage_service.call("DELETE", project.path, project.result_token).status_code == 403
    wait_until(lambda: not traces(project.project_id, run_ids))


def test_before_the_data(linkage_service, traces):
    deleted_without_trace(linkage_service, traces, linkage_service.create_project())


def test_with_an_upload_pending(linkage_service, traces):
    project = linkage_service.create_project()
    body = {"format": "binary", "bytes": 100_000_000, "count": 781_250, "encoding_size": 128}
    linkage_service.call("POST", f"{project.path}/uploads", project.update_tokens[0], json=body)
    assert traces(project.project_id)

    deleted_without_trace(linkage_service, traces, project)


def test_during_ingestion(linkage_service, traces):
    project = linkage_service.create_project()
    linkage_service.upload_binary(project, 0, LARGE[0])

    deleted_without_trace(linkage_service, traces, project)


def test_in_the_middle_of_a_compare(linkage_service, traces):
    project = linkage_service.project_with(LARGE)
    run_id = linkage_service.post_run(project, 0.6)
    wait_until(lambda: linkage_service.status(project, run_id)["state"] == "running")

    deleted_without_trace(linkage_service, traces, project, [run_id])


def test_after_completion(linkage_service, traces):
    project = linkage_service.project_with(SMALL)
    run_id = linkage_service.post_run(project, 0.9)
    linkage_service.wait_for(project, run_id)

    deleted_without_trace(linkage_service, traces, project, [run_id])
