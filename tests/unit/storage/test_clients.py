"""Which store a bucket is in, and how it is spoken to."""

from __future__ import annotations

import pytest

from chalicelib.storage import clients
from tests.unit.storage.test_credentials import OWN_STORE

pytestmark = pytest.mark.usefixtures("database_settings")


def test_in_aws_there_is_one_client_for_all():
    assert {id(clients.store_of(bucket)) for bucket in ("data", "upload")} == {id(clients.s3())}


def test_a_store_of_one_s_own_has_all_but_the_manifests(override_settings):
    override_settings(**OWN_STORE, AWS_SESSION_TOKEN="the role's")

    data, upload, manifests = (clients.store_of(bucket) for bucket in ("data", "upload", "manifests"))

    assert data is upload
    assert data.meta.endpoint_url == "http://10.0.0.7:9000"
    assert "amazonaws.com" in manifests.meta.endpoint_url


@pytest.mark.parametrize("client", [clients.object_store, clients.sts], ids=["S3", "STS"])
def test_a_store_of_one_s_own_gets_nothing_of_the_role(override_settings, client):
    override_settings(**OWN_STORE, AWS_SESSION_TOKEN="the role's", AWS_ENDPOINT_URL="http://127.0.0.1:4566")

    made = client()

    assert made.meta.endpoint_url == "http://10.0.0.7:9000"
    keys = made._request_signer._credentials
    assert (keys.access_key, keys.secret_key, keys.token) == ("THEIRKEY", "their-secret", None)


def test_a_store_of_one_s_own_is_addressed_by_path_without_checksums_it_may_not_know(override_settings):
    override_settings(**OWN_STORE)

    config = clients.object_store().meta.config

    assert config.s3["addressing_style"] == "path"
    assert config.request_checksum_calculation == "when_required"
    assert config.response_checksum_validation == "when_required"
