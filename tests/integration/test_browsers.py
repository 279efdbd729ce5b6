"""What browsers ask of the buckets on behalf of a page, and what they are allowed."""

from __future__ import annotations

import numpy as np
import pytest
import requests

from tests.unit.factories import linked_encodings

PAGE = "https://linkage.example"


@pytest.fixture(scope="module")
def urls(linkage_service) -> dict[str, str]:
    """A presigned URL of each bucket: to a result that is too large for the API, and to an upload."""
    rows = np.repeat(linked_encodings(94, (1, 1))[0], 600, axis=0)
    project, run_id, _ = linkage_service.completed([rows, rows], "similarity_scores", 0.9)
    path = f"{linkage_service.base_url}/api/v1{project.path}/runs/{run_id}/result"
    answer = requests.get(
        path, headers={"Authorization": project.result_token}, allow_redirects=False, timeout=60
    )
    begun = linkage_service.begin_upload(linkage_service.create_project(), 0, 128, 1, 128)
    return {"result": answer.headers["Location"], "upload": begun.json()["parts"][0]["url"]}


def asked(url: str, method: str, origin: str) -> requests.Response:
    """The preflight's answer."""
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return requests.options(url, headers=headers, timeout=60)


@pytest.mark.parametrize(
    "origin", [PAGE, "null"], ids=["the API's own page", "another page, after the redirect"]
)
def test_a_page_that_is_redirected_to_a_result_may_read_it(urls, origin):
    answer = requests.get(urls["result"], headers={"Origin": origin}, timeout=60)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", origin)


def test_a_page_may_write_to_the_upload_bucket_only(urls):
    assert asked(urls["upload"], "PUT", PAGE).status_code == 200
    assert asked(urls["result"], "GET", PAGE).status_code == 200
    assert asked(urls["result"], "PUT", PAGE).status_code == 403
