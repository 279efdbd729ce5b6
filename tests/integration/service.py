"""The service as its clients meet it, and what only its owner may do beside."""

from __future__ import annotations

from typing import Any

import boto3

from localstack.stack import Stack
from tests.contract.service import Project, Service, as_text, put_parts, wait_until

__all__ = ["Project", "Service", "admin_store", "as_text", "put_parts", "wait_until"]


def admin_store(stack: Stack) -> Any:
    """An S3 client that may see and touch everything, as no function of the service may."""
    return boto3.client(
        "s3",
        endpoint_url=stack.aws_endpoint_url,
        region_name=stack.region,
        aws_access_key_id=stack.aws_access_key_id,
        aws_secret_access_key=stack.aws_secret_access_key,
    )
