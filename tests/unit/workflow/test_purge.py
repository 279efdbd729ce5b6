from __future__ import annotations

import pytest

from chalicelib.errors import Gone
from chalicelib.storage import cache, clients, database, deleted_runs, layout, objects, projects, runs
from chalicelib.workflow.purge import purge
from tests.unit.factories import begun_upload, new_project, ready_project

pytestmark = pytest.mark.usefixtures("service")


def test_passes_go_on_until_one_finds_nothing_and_then_the_rows_go():
    project_id = ready_project()
    objects.put("data", layout.header(project_id, "a" * 48), b"{}")
    objects.put("upload", layout.direct_upload(project_id, "b" * 48, "c" * 48), b"raw")
    projects.mark_deleted(project_id)

    assert purge({"project_id": project_id}, None)["found"] == 2
    assert purge({"project_id": project_id}, None)["found"] == 0
    assert purge({"project_id": project_id}, None)["found"] == 0

    assert runs.of_project(project_id) == []
    assert projects.marked_deleted() == []


def test_what_is_under_way_is_stopped_and_counts_as_found(stopped):
    project_id, (provider, _) = new_project()
    upload = begun_upload(provider)
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    projects.mark_deleted(project_id)

    assert purge({"project_id": project_id}, None)["found"] == 2

    assert stopped == [("link", run.run_id, 1), ("ingest", upload.upload_id, 1)]


def test_redis_keys_of_runs_go():
    project_id = ready_project()
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    cache.begin_run(run.run_id)
    projects.mark_deleted(project_id)

    purge({"project_id": project_id}, None)

    assert cache.progress(run.run_id) is None


def test_a_straggler_s_object_is_found_by_the_next_pass():
    project_id = ready_project()
    projects.mark_deleted(project_id)
    objects.put("data", layout.header(project_id, "a" * 48), b"{}")
    purge({"project_id": project_id}, None)
    objects.put("data", layout.encodings(project_id, "a" * 48), b"late")

    assert purge({"project_id": project_id}, None)["found"] == 1


def test_unfinished_multipart_uploads_go():
    from chalicelib.storage import direct_uploads

    project_id = ready_project()
    key = layout.direct_upload(project_id, "b" * 48, "c" * 48)
    multipart_id = direct_uploads.begin_multipart("upload", key)
    projects.mark_deleted(project_id)

    assert purge({"project_id": project_id}, None)["found"] == 1

    with pytest.raises(objects.NoSuchObject):
        direct_uploads.uploaded_parts("upload", key, multipart_id)


@pytest.fixture
def _manifest_bucket(service, override_settings) -> None:
    override_settings(MANIFEST_BUCKET="manifests")
    clients.s3().create_bucket(
        Bucket="manifests", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )


@pytest.mark.usefixtures("_manifest_bucket")
def test_what_lies_beside_the_manifest_goes_from_its_bucket_too():
    project_id = ready_project()
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    objects.put("data", layout.merged(project_id, run.run_id), b"pairs")
    objects.put("manifests", layout.manifest(project_id, run.run_id), b"{}")
    objects.put("manifests", layout.map_results_prefix(project_id, run.run_id) + "/manifest.json", b"{}")
    projects.mark_deleted(project_id)

    while purge({"project_id": project_id}, None)["found"]:
        pass

    assert list(objects.list_keys("manifests", "")) == []
    assert list(objects.list_keys("data", "")) == []


@pytest.mark.usefixtures("_manifest_bucket")
def test_a_run_s_manifest_goes_with_the_run():
    project_id = ready_project()
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    objects.put("manifests", layout.merging_manifest(project_id, run.run_id), b"{}")
    deleted_runs.mark(run.run_id)

    while purge({"run_id": run.run_id}, None)["found"]:
        pass

    assert list(objects.list_keys("manifests", "")) == []


def test_another_project_keeps_everything():
    deleted, kept = ready_project(), ready_project()
    objects.put("data", layout.header(kept, "a" * 48), b"{}")
    projects.mark_deleted(deleted)

    purge({"project_id": deleted}, None)

    assert objects.exists("data", layout.header(kept, "a" * 48))
    assert projects.find(kept)
    with pytest.raises(Gone):
        projects.find(deleted)


@pytest.fixture
def deleted_run() -> runs.Run:
    """A queued run that was deleted, in a project that stays."""
    project_id = ready_project()
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    runs.queue_ready(project_id)
    deleted_runs.mark(run.run_id)
    return run


def audit() -> list[tuple[str, int, int]]:
    @database.transactional
    def read(cursor) -> list[tuple[str, int, int]]:
        cursor.execute("select kind, data_providers, runs from deletions order by deletion_id")
        return [tuple(row.values()) for row in cursor]

    return read()


def test_everything_of_a_run_goes_and_its_project_stays(deleted_run, stopped):
    other = runs.create(deleted_run.project_id, threshold=0.9, name="", notes="")
    kept = [
        layout.merged(deleted_run.project_id, other.run_id),
        layout.encodings(deleted_run.project_id, "a" * 48),
    ]
    for key in [layout.merged(deleted_run.project_id, deleted_run.run_id), *kept]:
        objects.put("data", key, b"x")
    cache.begin_run(deleted_run.run_id)

    # The run under way, its object and its key.
    assert purge({"run_id": deleted_run.run_id}, None) == {"found": 3}
    assert purge({"run_id": deleted_run.run_id}, None) == {"found": 0}

    assert stopped == [("link", deleted_run.run_id, 1)]
    assert list(objects.list_keys("data", layout.project_prefix(deleted_run.project_id))) == sorted(kept)
    assert [run.run_id for run in runs.of_project(deleted_run.project_id)] == [other.run_id]
    assert cache.progress(deleted_run.run_id) is None
    assert deleted_runs.marked() == []


def test_a_purge_of_a_run_that_is_gone_finds_nothing_and_adds_nothing_to_the_audit(deleted_run):
    for _ in range(4):
        last = purge({"run_id": deleted_run.run_id}, None)

    assert last == {"found": 0}
    assert audit() == [("run", 0, 1)]


def test_a_purge_of_a_project_takes_its_deleted_runs(deleted_run):
    objects.put("data", layout.merged(deleted_run.project_id, deleted_run.run_id), b"x")
    projects.mark_deleted(deleted_run.project_id)

    while purge({"project_id": deleted_run.project_id}, None)["found"]:
        pass

    assert purge({"run_id": deleted_run.run_id}, None) == {"found": 0}
    assert list(objects.list_keys("data", layout.project_prefix(deleted_run.project_id))) == []
    assert audit() == [("project", 2, 1)]


def test_a_run_that_is_not_deleted_is_not_purged():
    run = runs.create(ready_project(), threshold=0.5, name="", notes="")

    assert purge({"run_id": run.run_id}, None) == {"found": 0}

    assert runs.find(run.run_id).state == "created"


def test_cached_encodings_and_the_project_s_own_key_go(redis_client):
    project_id = ready_project()
    (provider, _) = projects.data_providers(project_id)
    cache.put_encodings(provider.dp_id, {"upload_id": provider.upload_id, "encodings": b""})
    cache.put_project_comparisons(project_id, 25)
    projects.mark_deleted(project_id)

    assert purge({"project_id": project_id}, None)["found"] == 2

    assert redis_client.keys() == []
