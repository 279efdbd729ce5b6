"""Requests generated from ``openapi.yaml``, right and wrong ones: no answer but those it describes.

As a stranger nothing gets past the tokens, so each operation is also called with ids that exist and the
token that is for it.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks

from chalicelib.api import schemas
from tests.contract.service import Project, Service, assert_as_described, is_by_gateway
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(65, (20, 20))
PASSED_ON = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}  # what API Gateway means by ANY
# Of each operation, for each caller. A deployment lets some 20 requests a second through.
CASES = 15 if "SERVER" in os.environ else 40
description = schemathesis.openapi.from_dict(schemas.document())
bounded = settings(
    max_examples=CASES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Insider:
    """Knows ids that exist and their tokens. What a request may use up or delete is made anew for each."""

    service: Service
    _linked: tuple[Project, str, list[str]] | None = field(default=None)

    def introduce(self, case: schemathesis.Case) -> None:
        """Give the request an existing project, run and upload, and the token for the operation."""
        reads = case.method == "GET" and "upload" not in case.path
        project, run_id, receipts = self._shared() if reads else self._fresh()
        tokens = {
            "resultToken": project.result_token,
            "updateToken": project.update_tokens[0],
            "receiptToken": receipts[0],
        }
        ids = {"project_id": project.project_id, "run_id": run_id}
        if "upload_id" in case.path_parameters:
            ids["upload_id"] = self.service.begin_upload(project, 0, 128, 1, 128).json()["upload_id"]
        case.path_parameters |= {name: value for name, value in ids.items() if name in case.path_parameters}
        (schemes, *_) = case.operation.definition.raw.get("security") or [{}]
        if schemes:
            case.headers["Authorization"] = tokens[next(iter(schemes))]

    def _fresh(self) -> tuple[Project, str, list[str]]:
        project = self.service.create_project()
        return project, self.service.post_run(project, 0.9), [""]

    def _shared(self) -> tuple[Project, str, list[str]]:
        if self._linked is None:
            self._linked = self.service.completed(ROWS, "groups", 0.9)
        return self._linked


@pytest.fixture(scope="module")
def insider(linkage_service) -> Insider:
    return Insider(linkage_service)


@pytest.fixture(scope="module")
def statuses():
    """How often each operation gave each status."""
    counts: Counter[tuple[str, int]] = Counter()
    yield counts
    described = {operation for operation, status in counts if status < 400 and "OPTIONS" not in operation}
    print(f"\n{counts.total()} generated requests, accepted by {len(described)} operations: {dict(counts)}")


@description.parametrize()
@bounded
def test_a_stranger_gets_described_answers_only(case, linkage_service, statuses):
    # Without a token nothing else is looked at: most strangers shall get further than that.
    if case.operation.definition.raw.get("security") and statuses.total() % 4:
        case.headers["Authorization"] = "0" * 48
    send(case, linkage_service, statuses)


@description.parametrize()
@bounded
def test_who_has_the_token_gets_described_answers_only(case, linkage_service, insider, statuses):
    insider.introduce(case)
    send(case, linkage_service, statuses)


def send(case: schemathesis.Case, service: Service, statuses: Counter) -> None:
    answer = case.call(
        base_url=f"{service.base_url}/api/v1", session=service.session, allow_redirects=False, timeout=60
    )
    statuses[f"{case.method} {case.operation.path}", answer.status_code] += 1
    if "SERVER" in os.environ and case.method not in PASSED_ON:
        assert answer.status_code >= 400
        return
    headers = {name.title(): values[0] for name, values in answer.headers.items()}
    path = f"/api/v1{case.operation.path}"
    assert_as_described(case.method, path, answer.status_code, headers, answer.text)
    if not is_by_gateway(answer.status_code, headers):
        case.validate_response(
            answer,
            checks=[
                checks.not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_headers_conformance,
                checks.response_schema_conformance,
            ],
        )
