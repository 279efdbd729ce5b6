"""What is deployed where: an emulator, the names, and the values of the table's placeholders.

``emulated`` is the service on any emulator; what differs from one to the other are addresses and passwords.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from localstack.errors import StackError
from localstack.settings import ACCESS_KEY, ACCOUNT, NAME_PREFIX, REGION, SECRET_KEY, SOURCE_DIR

API_STAGE = "api"
_STORES = ("DatabaseHost", "DatabasePassword", "RedisHost")  # without a value that suits all
_VALUES = {
    "DatabasePort": "5432",
    "DatabaseName": "anonlink",
    "DatabaseUser": "anonlink",
    "DatabaseSecretArn": "",
    "DatabaseSslMode": "disable",
    "DatabaseSslRootCert": "",
    "RedisPort": "6379",
    "RedisUsername": "",
    "RedisPassword": "",
    "RedisTls": "false",
    "RedisCa": "",
    "RedisCluster": "false",
    "RedisSentinels": "",
    "RedisSentinelService": "mymaster",
    "RedisSentinelPassword": "",
    # The emulator's S3.
    "ObjectStoreEndpoint": "",
    "ObjectStorePublicEndpoint": "",
    "ObjectStoreRegion": REGION,
    "ObjectStoreAccessKey": "",
    "ObjectStoreSecretKey": "",
    "LogLevel": "INFO",
    "Tracing": "false",  # no emulator has X-Ray's daemon
    # Workers start in no time here, so even a short run is worth several.
    "ComparisonsPerSecond": "120000000",
    "EncryptionsPerSecond": "110",
    "ChunkMinSeconds": "0.02",
    "SmallRunMaxSeconds": "0.1",
    "CompareConcurrency": str(max(2, os.cpu_count() or 1)),
    "CompareMemoryMb": "3008",
    "OfferUploadCredentials": "true",
    "UploadCredentialsSeconds": "43200",
    # Tests and tutorials have their foreign object stores on this machine, too.
    "AllowPrivateObjectStores": "true",
}
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Target:
    """Where to deploy, what to call it, and the values of the placeholders that depend on it.

    ``values`` may replace those that follow from names, too. ``package`` is the folder of ``make package``,
    if functions are to carry all that they import.
    """

    endpoint_url: str
    region: str
    account: str
    access_key: str
    secret_key: str
    name_prefix: str
    api_stage: str
    source: Path
    values: Mapping[str, str]
    package: Path | None = None

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        region = self.region if regional else ""
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"

    def name(self, name: str) -> str:
        return f"{self.name_prefix}-{name}"

    @property
    def data_bucket(self) -> str:
        return self.name("data")

    @property
    def upload_bucket(self) -> str:
        return self.name("uploads")

    @property
    def code_bucket(self) -> str:
        return self.name("code")


def emulated(
    endpoint_url: str, values: Mapping[str, str], source: Path = SOURCE_DIR, package: Path | None = None
) -> Target:
    """The service on the emulator at ``endpoint_url``.

    ``values`` says where the database and Redis are, and replaces others of ``_VALUES`` at will.
    """
    return Target(
        endpoint_url=endpoint_url,
        region=REGION,
        account=ACCOUNT,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        name_prefix=NAME_PREFIX,
        api_stage=API_STAGE,
        source=source,
        values=_VALUES | dict(values),
        package=package,
    )


def stated(environment: Mapping[str, str], source: Path = SOURCE_DIR) -> dict[str, str]:
    """The values that ``environment`` states, by the names that the functions know them by.

    ``DATABASE_HOST`` gives ``DatabaseHost``, since the table says that it is made of it. Names of what the
    deployer makes itself are not taken. Raises StackError if there is no database or no Redis in it.
    """
    table = yaml.safe_load((source / "functions.yaml").read_text())
    placeholders = {
        name: match[1]
        for name, value in table["environment"].items()
        if (match := _PLACEHOLDER.fullmatch(str(value))) and match[1] in (*_STORES, *_VALUES)
    }
    missing = sorted(n for n, p in placeholders.items() if p in _STORES and not environment.get(n))
    if missing:
        raise StackError(f"not set: {', '.join(missing)}")
    return {
        placeholder: environment[name] for name, placeholder in placeholders.items() if name in environment
    }


def derived_values(target: Target) -> dict[str, str]:
    """Placeholders that follow from names: ARNs known before anything is created."""
    return {
        "Partition": "aws",
        "Region": target.region,
        "AccountId": target.account,
        "NamePrefix": target.name_prefix,
        "DataBucket": target.data_bucket,
        "UploadBucket": target.upload_bucket,
        "DataBucketArn": f"arn:aws:s3:::{target.data_bucket}",
        "UploadBucketArn": f"arn:aws:s3:::{target.upload_bucket}",
        "ManifestBucket": target.data_bucket,
        "ManifestBucketArn": f"arn:aws:s3:::{target.data_bucket}",
        "SignerRoleArn": target.arn("iam", f"role/{target.name('signer')}", regional=False),
        "FunctionArnPrefix": target.arn("lambda", f"function:{target.name('')}"),
        "StateMachineArnPrefix": target.arn("states", f"stateMachine:{target.name('')}"),
        "ExecutionArnPrefix": target.arn("states", f"execution:{target.name('')}"),
    }
