"""boto3 clients, one of each a process, with the settings that AWS, other stores and the emulators agree on.

The data and the upload bucket are in S3 or in a store of one's own, with keys of its own; the manifests that
Step Functions reads are in S3 always. ``store_of`` knows which client has a bucket.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.config import settings

# Thousands of workers start on the same objects at once: S3 answers some with SlowDown.
_RETRIES: Any = {  # Any: the stubs know less of it than botocore
    "mode": "standard",
    "total_max_attempts": 8,
}

_CALL_SECONDS = 25


def _s3_config(*, by_path: bool) -> Config:
    # s3v4 with virtual hosts: else boto3 signs URLs with SigV2, or for the global host that a
    # young bucket answers with a redirect which the signature doesn't cover.
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if by_path else "virtual"},
        retries=_RETRIES,
        # Other stores than AWS refuse the checksums that boto3 adds unasked.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=16,
    )


def _emulated() -> bool:
    return "AWS_ENDPOINT_URL" in os.environ or "AWS_ENDPOINT_URL_S3" in os.environ


@cache
def s3() -> Any:
    """S3, by the function's role."""
    return boto3.client("s3", config=_s3_config(by_path=_emulated()))


@cache
def object_store() -> Any:
    """The store of the data and the upload bucket, as this service reaches it."""
    endpoint = settings().object_store_endpoint
    return _own_store("s3", endpoint, _s3_config(by_path=True)) if endpoint else s3()


@cache
def public_object_store() -> Any:
    """A store of one's own as its clients reach it: for signing, since signatures cover the host."""
    return _own_store("s3", settings().object_store_public_endpoint, _s3_config(by_path=True))


def store_of(bucket: str) -> Any:
    """The client of the store that the bucket is in."""
    return s3() if bucket == settings().manifest_bucket else object_store()


@cache
def sts() -> Any:
    """The STS whose sessions the object store takes."""
    config, endpoint = Config(retries=_RETRIES), settings().object_store_endpoint
    return _own_store("sts", endpoint, config) if endpoint else boto3.client("sts", config=config)


def _own_store(service: Any, endpoint: str, config: Config) -> Any:  # Any: the stubs want a literal
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=settings().object_store_region,
        aws_access_key_id=settings().object_store_access_key,
        aws_secret_access_key=settings().object_store_secret_key,
        config=config,
    )


@cache
def step_functions() -> Any:
    return boto3.client("stepfunctions", config=Config(retries=_RETRIES))


@cache
def lambda_functions() -> Any:
    # The caller is a request that API Gateway gives up after 29 s. Trying again is the client's to decide:
    # a call that was cut off goes on, and a second one would do its work beside it.
    once = Config(connect_timeout=3, read_timeout=_CALL_SECONDS, retries={"total_max_attempts": 1})
    return boto3.client("lambda", config=once)


def s3_signing_with(credentials: dict[str, str]) -> Any:
    """An S3 client that signs with temporary credentials as STS returns them."""
    return boto3.client(
        "s3",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=_s3_config(by_path=_emulated()),
    )
