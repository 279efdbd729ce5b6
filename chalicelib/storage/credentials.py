"""Temporary credentials: sessions of the signer role, each narrowed to what one client needs.

A session can do what its own policy and the signer role's both allow (``functions.yaml``); of a store of
one's own, what its policy and its user's allow. In AWS one role assuming another gets an hour at most, so
clients are told when theirs end and can ask again.
"""

from __future__ import annotations

import json
import os
from datetime import UTC
from typing import Any, TypedDict
from urllib.parse import urlsplit

from chalicelib.config import settings
from chalicelib.storage.clients import s3, sts
from chalicelib.storage.objects import translated

_MIN_SECONDS = 900  # STS refuses less
# Where a bucket is encrypted with a key of its own, S3 uses the key in the client's name; which key that may
# be, the role's policy says.
_USE_OF_KEYS = {
    "Effect": "Allow",
    "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
    "Resource": ["*"],
    "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
}


class Credentials(TypedDict):
    """As STS spells them, and as clients of object stores expect them."""

    AccessKeyId: str
    SecretAccessKey: str
    SessionToken: str
    Expiration: str  # as the API tells times


class Address(TypedDict):
    """Where something lies, for a client that has only HTTP."""

    endpoint: str  # host[:port]
    secure: bool  # https
    bucket: str
    path: str


def endpoint() -> tuple[str, bool]:
    """Our object store as clients address it: ``host[:port]`` and whether by https.

    In AWS it names the region: some clients take it from there instead of asking for it.
    """
    url = (
        settings().object_store_public_endpoint
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
    )
    if url:
        parts = urlsplit(url)
        return parts.netloc, parts.scheme == "https"
    return f"s3.{s3().meta.region_name}.amazonaws.com", True


def address(bucket: str, path: str) -> Address:
    host, secure = endpoint()
    return {"endpoint": host, "secure": secure, "bucket": bucket, "path": path}


def upload_credentials(bucket: str, path: str, session_name: str) -> Credentials:
    """For putting objects, whole or in parts, at ``path`` and under ``path/``; nothing else.

    Raises StoreUnavailable when STS can't be reached.
    """
    actions = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return _narrowed(bucket, actions, [path, f"{path}/*"], session_name)


def read_credentials(bucket: str, key: str, session_name: str) -> Credentials:
    """For reading exactly this object. Raises StoreUnavailable when STS can't be reached."""
    return _narrowed(bucket, ["s3:GetObject"], [key], session_name)


def signer_session(session_name: str, seconds: int, policy: str | None = None) -> dict[str, Any]:
    """A fresh session of the signer role, as STS gives it (``Expiration`` is an aware datetime)."""
    narrowing = {} if policy is None else {"Policy": policy}
    with translated("signer role"):
        answer = sts().assume_role(
            RoleArn=settings().signer_role_arn,
            RoleSessionName=session_name,  # 64 characters at most: one id fits, two don't
            DurationSeconds=seconds,
            **narrowing,
        )
    credentials: dict[str, Any] = answer["Credentials"]
    return credentials


def _narrowed(bucket: str, actions: list[str], paths: list[str], session_name: str) -> Credentials:
    policy = json.dumps(_policy(bucket, actions, paths), separators=(",", ":"))
    seconds = max(_MIN_SECONDS, settings().upload_credentials_seconds)
    session = signer_session(session_name, seconds, policy)
    expires_at = session["Expiration"].astimezone(UTC).replace(tzinfo=None)
    return {
        "AccessKeyId": session["AccessKeyId"],
        "SecretAccessKey": session["SecretAccessKey"],
        "SessionToken": session["SessionToken"],
        "Expiration": expires_at.isoformat(timespec="microseconds"),
    }


def _policy(bucket: str, actions: list[str], paths: list[str]) -> dict[str, Any]:
    """STS takes 2,048 characters."""
    is_in_aws = not settings().object_store_endpoint
    partition = settings().signer_role_arn.split(":")[1] if is_in_aws else "aws"
    arn = f"arn:{partition}:s3:::{bucket}"
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": actions, "Resource": [f"{arn}/{path}" for path in paths]},
        # Some clients ask for the bucket's region first.
        {"Effect": "Allow", "Action": ["s3:GetBucketLocation"], "Resource": [arn]},
    ]
    if is_in_aws:  # Minio refuses a policy with actions that it doesn't know
        statements.append(_USE_OF_KEYS)
    return {"Version": "2012-10-17", "Statement": statements}
