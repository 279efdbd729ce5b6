"""Every setting of the service, from environment variables, read and cast once.

Both deployers fill these from ``functions.yaml``. ``docs/configuration.md`` describes each variable;
a test holds the two together. AWS's own variables (``AWS_REGION``, ``AWS_ENDPOINT_URL``) are boto3's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

# Lambda carries 6 MB in and out of a synchronous call, headers and JSON escaping included.
RESPONSE_LIMIT_BYTES = 5_500_000
# A JSON body reaches Lambda as text inside its event, every quotation mark escaped.
INLINE_BODY_LIMIT_BYTES = 5_300_000
# What arrives as base64 text inside Lambda's 6 MB.
INLINE_BINARY_LIMIT_BYTES = 4_400_000

_ENDPOINT = re.compile(r"https?://[^/?#@\s]+")
_ADDRESS = re.compile(r"[^\s,]+:\d{1,5}")


class ConfigurationError(Exception):
    """A setting is missing or not of its type; the message names the variable."""


@dataclass(frozen=True)
class Settings:
    """Field names are the environment variables in lower case."""

    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_password: str
    redis_host: str
    redis_port: int
    data_bucket: str
    upload_bucket: str
    state_machine_arn_prefix: str  # everything of the ARN before "ingest", "link" or "purge"
    signer_role_arn: str
    function_name_prefix: str  # of the Lambda functions that the API calls
    database_secret_arn: str = ""  # of a user and a password that are read at run time instead of these
    database_sslmode: str = "require"
    database_sslrootcert: str = ""
    redis_username: str = ""
    redis_password: str = ""
    redis_tls: bool = True
    redis_ca: str = ""  # empty: the system's
    redis_cluster: bool = False
    redis_sentinels: str = ""  # host:port,host:port; empty: redis_host is the server itself
    redis_sentinel_service: str = "mymaster"
    redis_sentinel_password: str = ""
    min_encoding_size_bytes: int = 8
    max_encoding_size_bytes: int = 1024
    cache_expiry_seconds: int = 864_000  # ten days, as the original's
    manifest_bucket: str = ""  # empty: the data bucket; always one of S3
    # Empty: S3, by the function's role. Else the store with the data and the upload bucket.
    object_store_endpoint: str = ""
    object_store_public_endpoint: str = ""  # empty: the same
    object_store_region: str = "us-east-1"
    object_store_access_key: str = ""
    object_store_secret_key: str = ""
    similarity_scores_max_candidate_pairs: int = 500_000_000
    solver_max_candidate_pairs: int = 100_000_000
    upload_expiry_seconds: int = 86_400
    offer_upload_credentials: bool = True
    upload_credentials_seconds: int = 3_600  # the most for a role that assumes another, in AWS
    allow_private_object_stores: bool = False  # foreign ones, at addresses that aren't public
    cached_dataset_max_bytes: int = 1_048_576
    # Chunk sizes follow from these. The rate is one vCPU's, of 1,024-bit encodings at threshold 0.8.
    comparisons_per_second: float = 500_000_000
    chunk_min_seconds: float = 10  # below it, starting a worker costs more than its work
    chunk_max_seconds: float = 120  # far from Lambda's 900 s, also on a slow processor
    small_run_max_seconds: float = 2
    encryptions_per_second: float = 100  # one vCPU's, of a mask's bits with a key of 2,048 bits
    encryption_min_key_length: int = 2_048
    encryption_max_key_length: int = 4_096
    compare_concurrency: int = 100
    compare_memory_mb: int = 3_008
    run_max_attempts: int = 3
    tracing: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Settings from ``environment``.

        Raises ConfigurationError naming the variable that is missing or malformed, or doesn't fit the others.
        """
        values = {}
        for name, kind in cls.__annotations__.items():
            text = environment.get(name.upper())
            if text is None:
                if not hasattr(cls, name):
                    raise ConfigurationError(f"{name.upper()} is not set")
                continue
            try:
                values[name] = _CASTS[kind](text)
            except ValueError:
                raise ConfigurationError(f"{name.upper()} is not a valid {kind}") from None
        values["manifest_bucket"] = values.get("manifest_bucket") or values["data_bucket"]
        if values.get("object_store_endpoint"):
            values["object_store_public_endpoint"] = (
                values.get("object_store_public_endpoint") or values["object_store_endpoint"]
            )
            _check_object_store(values)
        _check_database_and_redis(values)
        return cls(**values)


def _check_object_store(values: Mapping[str, Any]) -> None:
    for name in ("object_store_access_key", "object_store_secret_key"):
        if not values.get(name):
            raise ConfigurationError(f"{name.upper()} is not set, and OBJECT_STORE_ENDPOINT is")
    for name in ("object_store_endpoint", "object_store_public_endpoint"):
        if not _ENDPOINT.fullmatch(values[name]):
            raise ConfigurationError(f"{name.upper()} must be http:// or https:// and a host, without a path")
    if values["manifest_bucket"] in (values["data_bucket"], values["upload_bucket"]):
        # A bucket's name says which store it is in.
        raise ConfigurationError(
            "MANIFEST_BUCKET must name a bucket of S3, unlike DATA_BUCKET and UPLOAD_BUCKET of another store"
        )


def _check_database_and_redis(values: Mapping[str, Any]) -> None:
    if values.get("database_sslmode", "").startswith("verify-") and not values.get("database_sslrootcert"):
        raise ConfigurationError("DATABASE_SSLROOTCERT is not set, and DATABASE_SSLMODE verifies")
    sentinels = values.get("redis_sentinels", "")
    if sentinels and not all(_ADDRESS.fullmatch(address) for address in sentinels.split(",")):
        raise ConfigurationError("REDIS_SENTINELS must be host:port, more of them after commas")
    if sentinels and values.get("redis_cluster"):
        raise ConfigurationError("REDIS_SENTINELS and REDIS_CLUSTER exclude one another")


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


_CASTS: dict[str, Callable[[str], Any]] = {"str": str, "int": int, "float": float, "bool": _boolean}


@cache
def settings() -> Settings:
    """This process's settings."""
    return Settings.from_environment(os.environ)
