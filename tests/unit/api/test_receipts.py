"""What a party may read by its receipt token: something of a project of permutations, nothing of another."""

from __future__ import annotations

import pytest

from chalicelib.api.authorisation import reader_of_run
from chalicelib.api.requests import Request
from chalicelib.errors import Forbidden
from chalicelib.storage import deleted_runs, projects, runs, uploads
from chalicelib.storage.tokens import new_token
from tests.unit.factories import begun_upload, create_project

pytestmark = pytest.mark.usefixtures("service")


class Parties:
    """A project with both parties' receipt tokens and a run."""

    def __init__(self, result_type: str) -> None:
        self.project = create_project(result_type=result_type)
        self.project_id = self.project.project_id
        self.receipts, self.upload_ids = [], []
        for provider in projects.data_providers(self.project_id):
            upload, receipt = begun_upload(provider), new_token()
            uploads.renew_receipt(upload.upload_id, receipt)
            self.receipts.append(receipt)
            self.upload_ids.append(upload.upload_id)
        self.run_id = runs.create(self.project_id, threshold=0.9, name="", notes="").run_id

    @property
    def status_path(self) -> str:
        return f"/projects/{self.project_id}/runs/{self.run_id}/status"

    def readers(self, token: str) -> int | None:
        request = Request(type("Chalices", (), {"headers": {"Authorization": token}}))
        run, reader = reader_of_run(request, self.project_id, self.run_id)
        assert run.run.run_id == self.run_id
        return reader


@pytest.fixture
def parties() -> Parties:
    return Parties("permutations")


def test_a_receipt_token_reads_the_project_and_its_runs_status(api, parties):
    for token in (*parties.receipts, parties.project.result_token):
        assert api.call("GET", f"/projects/{parties.project_id}", token).status == 200
        assert api.call("GET", parties.status_path, token).json["stages"] == 3


def test_it_is_known_which_party_asks(parties):
    tokens = (*parties.receipts, parties.project.result_token)

    assert [parties.readers(token) for token in tokens] == [0, 1, None]


def test_a_receipt_token_does_nothing_else(api, parties):
    project, run = f"/projects/{parties.project_id}", f"/projects/{parties.project_id}/runs/{parties.run_id}"

    for method, path in (("GET", f"{project}/runs"), ("GET", run), ("DELETE", run), ("DELETE", project)):
        assert api.call(method, path, parties.receipts[0]).status == 403
    answer = api.call("POST", f"{project}/runs", parties.receipts[0], json={"threshold": 0.9})
    assert answer.status == 403


@pytest.mark.parametrize("result_type", ["groups", "similarity_scores"])
def test_in_a_project_of_another_result_type_it_reads_nothing(api, result_type):
    others = Parties(result_type)

    assert api.call("GET", f"/projects/{others.project_id}", others.receipts[0]).status == 403
    assert api.call("GET", others.status_path, others.receipts[0]).status == 403


def test_a_receipt_token_of_another_project_reads_nothing(api, parties):
    stranger = Parties("permutations").receipts[0]

    assert api.call("GET", f"/projects/{parties.project_id}", stranger).status == 403
    assert api.call("GET", parties.status_path, stranger).status == 403


def test_a_receipt_token_that_was_replaced_is_none_any_more(api, parties):
    uploads.renew_receipt(parties.upload_ids[0], new_token())

    assert api.call("GET", parties.status_path, parties.receipts[0]).status == 403
    assert api.call("GET", parties.status_path, parties.receipts[1]).status == 200


def test_a_receipt_token_of_a_refused_upload_is_none_any_more(api, parties):
    uploads.reject(parties.upload_ids[0], "too short")

    assert api.call("GET", parties.status_path, parties.receipts[0]).status == 403


def test_an_update_token_is_no_receipt(api, parties):
    assert api.call("GET", parties.status_path, parties.project.update_tokens[0]).status == 403


def test_a_deleted_run_is_nobody_s_to_read(parties):
    deleted_runs.mark(parties.run_id)

    for token in (*parties.receipts, parties.project.result_token):
        with pytest.raises(Forbidden):
            parties.readers(token)
