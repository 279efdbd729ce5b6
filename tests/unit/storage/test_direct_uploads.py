from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.storage import clients, direct_uploads
from tests.unit.storage.test_credentials import OWN_STORE

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, None), (64 * MIB, None), (64 * MIB + 1, 64 * MIB), (5 * 1024**4, 549_755_814)],
)
def test_part_sizes_keep_within_s3_s_ten_thousand_parts(size, expected):
    part_size = direct_uploads.part_size(size)

    assert part_size == expected
    sizes = direct_uploads.part_sizes(size, part_size)
    assert sum(sizes) == size
    assert len(sizes) <= 10_000


@pytest.mark.usefixtures("service")
def test_a_url_binds_the_size_and_is_signed_for_the_region_s_own_host():
    (part,), expires = direct_uploads.sign_parts("upload", "p/d/u", None, [640], [1])

    query = parse_qs(urlsplit(part.url).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert urlsplit(part.url).hostname == "upload.s3.eu-west-1.amazonaws.com"
    assert part.headers == {"Content-Length": "640"}
    assert expires > datetime.now(UTC).replace(tzinfo=None)


@pytest.mark.usefixtures("service")
def test_urls_are_signed_by_a_session_of_the_signer_role(monkeypatch):
    asked = []
    assume_role = clients.sts().assume_role
    monkeypatch.setattr(
        clients.sts(), "assume_role", lambda **arguments: asked.append(arguments) or assume_role(**arguments)
    )

    for _ in range(3):
        direct_uploads.sign_download("data", "projects/p/runs/r/result.json")

    (call,) = asked
    assert call["RoleArn"] == "arn:aws:iam::000000000000:role/test-signer"
    assert call["DurationSeconds"] <= 3600


@pytest.mark.usefixtures("database_settings")
def test_urls_of_a_store_of_one_s_own_are_signed_by_its_keys_for_its_public_name(override_settings):
    override_settings(**OWN_STORE, OBJECT_STORE_REGION="eu-central-1")

    url = urlsplit(direct_uploads.sign_download("data", "projects/p/runs/r/result.json"))

    assert (url.scheme, url.netloc) == ("https", "minio.example.org")
    assert url.path == "/data/projects/p/runs/r/result.json"
    query = parse_qs(url.query)
    assert query["X-Amz-Credential"][0].startswith("THEIRKEY/")
    assert query["X-Amz-Credential"][0].endswith("/eu-central-1/s3/aws4_request")
    assert "X-Amz-Security-Token" not in query


@pytest.mark.usefixtures("service")
def test_a_multipart_url_is_for_one_part_of_one_upload():
    parts, _ = direct_uploads.sign_parts("upload", "p/d/u", "multipart-1", [10, 5], [2])

    query = parse_qs(urlsplit(parts[0].url).query)
    assert (query["partNumber"], query["uploadId"]) == (["2"], ["multipart-1"])
    assert parts[0].size_bytes == 5
