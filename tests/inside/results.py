"""Where results are: in one bucket, a report and a log for each module, and the joined report."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from junitparser import JUnitXml

from tests.inside import reports

JOINED = "results.xml"


def write(module: str, report: JUnitXml, log: str) -> None:
    _put(_key(module, "log"), log.encode(), "text/plain; charset=utf-8")
    _put(_key(module, "xml"), _text(report), "application/xml")


def write_joined(report: JUnitXml) -> None:
    _put(JOINED, _text(report), "application/xml")


def read(module: str) -> JUnitXml:
    """The report of a module; one with an error if there is none."""
    try:
        answer = _s3().get_object(Bucket=os.environ["RESULTS_BUCKET"], Key=_key(module, "xml"))
    except ClientError as error:
        return reports.with_error(module, f"there is no report: {error}")
    return JUnitXml.fromstring(answer["Body"].read())


def _key(module: str, suffix: str) -> str:
    return f"results/{module.removesuffix('.py')}.{suffix}"


def _text(report: JUnitXml) -> bytes:
    text: bytes = report.tostring()
    return text


def _put(key: str, content: bytes, content_type: str) -> None:
    bucket = os.environ["RESULTS_BUCKET"]
    _s3().put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)


@cache
def _s3() -> Any:
    return boto3.client("s3")
