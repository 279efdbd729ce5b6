"""DELETE answers at once, and nobody finds the project from then on."""

from __future__ import annotations

import pytest

from tests.contract.service import ACCESS_DENIED
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(63, (40, 45))


@pytest.mark.parametrize(
    "moment", ["before the data", "with an upload pending", "with a run", "with a result"]
)
def test_a_deleted_project_is_gone_for_everybody(linkage_service, moment):
    project = linkage_service.create_project()
    run_id = linkage_service.post_run(project, 0.9)
    if moment == "with an upload pending":
        linkage_service.begin_upload(project, 0, 128, 1, 128)
    elif moment.startswith("with a r"):
        for party, rows in enumerate(ROWS):
            linkage_service.upload_binary(project, party, rows)
    if moment == "with a result":
        linkage_service.wait_for(project, run_id)

    answer = linkage_service.call("DELETE", project.path, project.result_token)

    assert (answer.status_code, answer.content) == (204, b"")
    for method, path in (
        ("DELETE", ""), ("GET", ""), ("GET", "/runs"), ("GET", f"/runs/{run_id}"),
        ("GET", f"/runs/{run_id}/status"), ("GET", f"/runs/{run_id}/result"),
    ):  # fmt: skip
        refused = linkage_service.call(method, project.path + path, project.result_token)
        assert (refused.status_code, refused.json()["detail"]) == (403, ACCESS_DENIED)
    for party, rows in enumerate(ROWS):
        refused = linkage_service.upload_binary(project, party, rows)
        assert (refused.status_code, refused.json()["detail"]) == (403, ACCESS_DENIED)


def test_another_project_is_not_touched(linkage_service):
    project, other = linkage_service.create_project(), linkage_service.project_with(ROWS)
    linkage_service.call("DELETE", project.path, project.result_token)

    assert "groups" in linkage_service.link(other, 0.9)
