"""Every setting of the service, from environment variables, read and cast once.

Both deployers fill these from ``functions.yaml``. ``docs/configuration.md`` describes each variable;
a test holds the two together. AWS's own variables (``AWS_REGION``, ``AWS_ENDPOINT_URL``) are boto3's.
"""

from __future__ import annotations

import os
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
    database_sslmode: str = "require"
    redis_password: str = ""
    redis_tls: bool = True
    min_encoding_size_bytes: int = 8
    max_encoding_size_bytes: int = 1024
    cache_expiry_seconds: int = 864_000  # ten days, as the original's
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
    compare_concurrency: int = 100
    compare_memory_mb: int = 3_008
    run_max_attempts: int = 3

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Settings from ``environment``.

        Raises ConfigurationError naming the variable that is missing or malformed.
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
        return cls(**values)


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
