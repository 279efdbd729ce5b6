"""The service as its clients meet it, and what only its owner may do beside."""

from __future__ import annotations

from typing import Any

import boto3

from localstack.stack import Stack
from tests.contract.service import Project, Service, as_text, put_parts, wait_until

__all__ = ["Project", "Service", "admin_client", "admin_store", "as_text", "put_parts", "wait_until"]


def admin_client(stack: Stack, name: Any) -> Any:  # Any: the stubs want a literal
    """A client of one of AWS's services that may see and touch everything, as no function of ours may."""
    return boto3.client(
        name,
        endpoint_url=stack.aws_endpoint_url,
        region_name=stack.region,
        aws_access_key_id=stack.aws_access_key_id,
        aws_secret_access_key=stack.aws_secret_access_key,
    )


def admin_store(stack: Stack) -> Any:
    return admin_client(stack, "s3")
