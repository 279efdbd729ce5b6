from __future__ import annotations

import pytest

from chalicelib.errors import Gone
from chalicelib.storage import cache, layout, objects, projects, runs
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


def test_another_project_keeps_everything():
    deleted, kept = ready_project(), ready_project()
    objects.put("data", layout.header(kept, "a" * 48), b"{}")
    projects.mark_deleted(deleted)

    purge({"project_id": deleted}, None)

    assert objects.exists("data", layout.header(kept, "a" * 48))
    assert projects.find(kept)
    with pytest.raises(Gone):
        projects.find(deleted)
