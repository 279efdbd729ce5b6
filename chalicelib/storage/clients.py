"""boto3 clients, one of each a process, with the settings that AWS and the emulators agree on."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Thousands of workers start on the same objects at once: S3 answers some with SlowDown.
_RETRIES: Any = {  # Any: the stubs know less of it than botocore
    "mode": "standard",
    "total_max_attempts": 8,
}

_CALL_SECONDS = 25


def _s3_config() -> Config:
    # s3v4 with virtual hosts: else boto3 signs URLs with SigV2, or for the global host that a
    # young bucket answers with a redirect which the signature doesn't cover.
    emulated = "AWS_ENDPOINT_URL" in os.environ or "AWS_ENDPOINT_URL_S3" in os.environ
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if emulated else "virtual"},
        retries=_RETRIES,
        # Other stores than AWS refuse the checksums that boto3 adds unasked.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=16,
    )


@cache
def s3() -> Any:
    return boto3.client("s3", config=_s3_config())


@cache
def sts() -> Any:
    return boto3.client("sts", config=Config(retries=_RETRIES))


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
        config=_s3_config(),
    )
