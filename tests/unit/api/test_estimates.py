from __future__ import annotations

import json

import pytest

from chalicelib.storage import functions, layout, objects, projects, uploads
from chalicelib.workflow.estimate import estimate
from tests.unit.factories import begun_upload, create_project, linked_encodings

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def called_in_process(monkeypatch) -> None:
    def call(name: str, event: dict) -> object:
        assert name == "estimate"
        return json.loads(json.dumps(estimate(event, None)))

    monkeypatch.setattr(functions, "call", call)


def project_with(ready: int) -> projects.NewProject:
    project = create_project()
    datasets = linked_encodings(1, (30, 40))
    providers = projects.data_providers(project.project_id)
    for provider, rows in list(zip(providers, datasets, strict=True))[:ready]:
        upload = begun_upload(provider)
        objects.put("data", layout.encodings(project.project_id, upload.upload_id), rows.tobytes())
        uploads.accept(upload.upload_id, len(rows), 128)
    return project


def ask(api, project: projects.NewProject, body: object, token: str | None = None):
    path = f"/projects/{project.project_id}/estimate"
    return api.call("POST", path, token or project.result_token, json=body)


@pytest.mark.usefixtures("called_in_process")
@pytest.mark.parametrize(
    ("body", "thresholds"), [({}, 11), ({"threshold": 0.5}, 11), ({"threshold": 0.777}, 12)]
)
def test_an_estimate_is_made_before_any_run(api, body, thresholds):
    answer = ask(api, project_with(2), body)

    assert answer.status == 200, answer.text
    assert answer.json["comparisons"] == 1_200
    assert len(answer.json["candidate_pairs"]) == thresholds


def test_it_says_which_party_is_missing(api):
    answer = ask(api, project_with(1), {})

    assert (answer.status, "data set 1" in answer.detail) == (400, True)


@pytest.mark.parametrize("threshold", [0, 1.5, "0.8", None, True])
def test_a_threshold_that_is_none_is_refused(api, threshold):
    assert ask(api, project_with(2), {"threshold": threshold}).status == 400


def test_it_is_for_the_owner(api):
    project = project_with(2)

    assert ask(api, project, {}, project.update_tokens[0]).status == 403
