from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from chalicelib.storage import clients, credentials

pytestmark = pytest.mark.usefixtures("service")

ID = "f" * 48
OWN_STORE = {
    "MANIFEST_BUCKET": "manifests",
    "OBJECT_STORE_ENDPOINT": "http://10.0.0.7:9000",
    "OBJECT_STORE_PUBLIC_ENDPOINT": "https://minio.example.org",
    "OBJECT_STORE_ACCESS_KEY": "THEIRKEY",
    "OBJECT_STORE_SECRET_KEY": "their-secret",
}


@pytest.fixture
def asked(monkeypatch) -> list[dict]:
    """What STS was asked."""
    calls: list[dict] = []
    assume_role = clients.sts().assume_role
    monkeypatch.setattr(
        clients.sts(), "assume_role", lambda **arguments: calls.append(arguments) or assume_role(**arguments)
    )
    return calls


@pytest.fixture
def asked_own_store(override_settings, monkeypatch) -> list[dict]:
    """What a store of one's own was asked; the role is of a partition that it doesn't know."""
    override_settings(**OWN_STORE, SIGNER_ROLE_ARN="arn:aws-cn:iam::000000000000:role/any")
    calls: list[dict] = []
    session = {
        "AccessKeyId": "a",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": datetime.now(UTC),
    }
    monkeypatch.setattr(
        clients.sts(), "assume_role", lambda **arguments: calls.append(arguments) or {"Credentials": session}
    )
    return calls


def statements(call: dict) -> dict[str, list[str]]:
    """Action → resources."""
    return {
        action: statement["Resource"]
        for statement in json.loads(call["Policy"])["Statement"]
        for action in statement["Action"]
    }


def test_upload_credentials_write_to_one_path_and_below_it_only(asked):
    folder = f"{ID}/{ID}"

    credentials.upload_credentials("upload", folder, ID)

    (call,) = asked
    allowed = statements(call)
    below = [f"arn:aws:s3:::upload/{folder}", f"arn:aws:s3:::upload/{folder}/*"]
    assert {action: on for action, on in allowed.items() if not action.startswith("kms:")} == {
        "s3:PutObject": below,
        "s3:AbortMultipartUpload": below,
        "s3:ListMultipartUploadParts": below,
        "s3:GetBucketLocation": ["arn:aws:s3:::upload"],
    }
    assert call["RoleArn"] == "arn:aws:iam::000000000000:role/test-signer"


def test_a_store_of_one_s_own_is_asked_for_nothing_that_only_aws_knows(override_settings, asked_own_store):
    credentials.upload_credentials("upload", "p/d", ID)

    (call,) = asked_own_store
    assert all(action.startswith("s3:") for action in statements(call))
    assert "Condition" not in call["Policy"]
    assert call["Policy"].count("arn:aws:s3:::upload") == 3


def test_read_credentials_read_one_object_only(asked):
    credentials.read_credentials("data", "projects/p/runs/r/merged.bin", ID)

    allowed = statements(asked[0])
    assert allowed["s3:GetObject"] == ["arn:aws:s3:::data/projects/p/runs/r/merged.bin"]
    assert not any("Put" in action or "List" in action for action in allowed)


def test_a_session_s_policy_and_name_keep_within_sts_s_limits(asked):
    credentials.upload_credentials("b" * 63, f"{ID}/{ID}", ID)

    assert len(asked[0]["Policy"]) <= 2048
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", asked[0]["RoleSessionName"])


@pytest.mark.parametrize(("seconds", "expected"), [("43200", 43200), ("60", 900)])
def test_a_session_lasts_as_long_as_configured_but_not_under_sts_s_least(
    override_settings, monkeypatch, seconds, expected
):
    override_settings(UPLOAD_CREDENTIALS_SECONDS=seconds)
    durations = []
    session = credentials.signer_session
    monkeypatch.setattr(
        credentials, "signer_session", lambda name, s, policy: durations.append(s) or session(name, s, policy)
    )

    given = credentials.upload_credentials("upload", "p/d", ID)

    assert durations == [expected]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", given["Expiration"])


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("s3.eu-west-1.amazonaws.com", True)),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, ("127.0.0.1:4566", False)),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_S3": "https://minio.example.org"},
            ("minio.example.org", True),
        ),
        ({**OWN_STORE, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, ("minio.example.org", True)),
        ({**OWN_STORE, "OBJECT_STORE_PUBLIC_ENDPOINT": ""}, ("10.0.0.7:9000", False)),
    ],
    ids=["AWS", "emulator", "another store for S3 alone", "a store of one's own", "without another name"],
)
def test_the_endpoint_is_the_one_that_clients_reach(override_settings, variables, expected):
    override_settings(**variables)

    assert credentials.endpoint() == expected
