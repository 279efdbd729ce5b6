"""A file in several parts, whose client dies in the middle and resumes."""

from __future__ import annotations

import numpy as np

from tests.integration.service import put_parts
from tests.integration.test_upload_matrix import stored_files
from tests.oracle import as_sets

RECORDS = 530_000  # 65 MB: one part of 64 MiB and the rest
SHARED = [0, 1, 265_000, 529_998, 529_999]


def test_an_upload_in_parts_is_resumed_stored_and_linked(linkage_service, stack):
    rows = np.random.default_rng(71).integers(0, 256, (RECORDS, 128), dtype=np.uint8)
    content = rows.tobytes()
    project = linkage_service.create_project()
    token = project.update_tokens[0]
    body = {"format": "binary", "bytes": len(content), "count": RECORDS, "encoding_size": 128}
    begun = linkage_service.call("POST", f"{project.path}/uploads", token, json=body).json()
    upload = f"{project.path}/uploads/{begun['upload_id']}"
    assert [part["number"] for part in begun["parts"]] == [1, 2]

    put_parts(begun["parts"][1:], content, begun["part_size"])
    early = linkage_service.call("POST", f"{upload}/complete", token, json={})
    assert early.status_code == 400
    missing = linkage_service.call("GET", upload, token).json()["missing"]
    assert [part["number"] for part in missing] == [1]
    put_parts(missing, content, begun["part_size"])
    assert linkage_service.call("GET", upload, token).json()["missing"] == []
    assert linkage_service.call("POST", f"{upload}/complete", token, json={}).status_code == 201

    assert stored_files(stack, project)["encodings.bin"] == content
    assert linkage_service.upload_binary(project, 1, rows[SHARED]).status_code == 201
    groups = linkage_service.link(project, 0.99)["groups"]
    assert as_sets(groups) == as_sets([[[0, record], [1, i]] for i, record in enumerate(SHARED)])
