"""An estimate before any run."""

from __future__ import annotations

from tests.unit.factories import linked_encodings

ROWS = linked_encodings(62, (60, 70))


def test_an_estimate_tells_the_comparisons_before_any_run(linkage_service):
    project = linkage_service.project_with(ROWS)
    linkage_service.link(project, 0.99)  # by then the data has been ingested

    answer = linkage_service.call("POST", f"{project.path}/estimate", project.result_token, json={})

    assert answer.status_code == 200, answer.text
    assert "4200" in answer.text


def test_without_data_there_is_nothing_to_estimate(linkage_service):
    project = linkage_service.create_project()

    answer = linkage_service.call("POST", f"{project.path}/estimate", project.result_token, json={})

    assert answer.status_code == 400
