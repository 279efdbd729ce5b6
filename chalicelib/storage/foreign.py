"""Object stores that aren't ours, where a data provider's files may lie; read with its credentials.

Whoever names a store makes this service connect to it. So addresses that aren't public are refused, by
what the name resolves to and again by what the connection reached: a name may resolve to something else
the second time. No error tells of credentials, addresses or what the store answered.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

import boto3
from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.storage.objects import OpenObject

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 5, 30, 2
_ENDPOINT = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_AWS_HOST = re.compile(r"s3\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_TRANSLATED_IPV4 = IPv6Network("64:ff9b::/96")

_REASONS = {
    "NoSuchKey": "there is no such object",
    "404": "there is no such object",
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "the object store denies access with the given credentials",
    "403": "the object store denies access with the given credentials",
    "InvalidAccessKeyId": "the object store does not accept the given credentials",
    "SignatureDoesNotMatch": "the object store does not accept the given credentials",
    "ExpiredToken": "the given credentials have expired",
}


def open_object(file: dict[str, Any], credentials: dict[str, str]) -> OpenObject:
    """The object of a reference to another store (``storage.references``), to be read forward.

    ``credentials`` as STS spells them, ``SessionToken`` where there is one. Raises PermanentError with
    a reason when the store is not at a public address or cannot be read, here and while reading.
    """
    with _explained():
        client = _client(str(file["endpoint"]), file.get("secure", True) is not False, credentials)
        answer = client.get_object(Bucket=file["bucket"], Key=file["path"])
        return OpenObject(_Body(answer["Body"]), int(answer["ContentLength"]), answer["Metadata"])


class _Body:
    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int) -> bytes:
        with _explained():
            data: bytes = self._body.read(size)
            return data


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        reason = _REASONS.get(error.response["Error"]["Code"], "the object store refused the request")
        raise _unreadable(reason) from None
    except (BotoCoreError, ResponseParserError, HTTPError, OSError, ValueError):
        raise _unreadable("the object store could not be reached or gave no valid answer") from None


def _unreadable(reason: str) -> PermanentError:
    return PermanentError(f"A file in another object store could not be read: {reason}")


def _client(endpoint: str, is_secure: bool, credentials: dict[str, str]) -> Any:
    parts = _ENDPOINT.fullmatch(endpoint)
    if parts is None:
        raise _unreadable("its 'endpoint' must be a host, or a host and a port as in 'host:9000'")
    host = parts["host"].lower()
    aws = _AWS_HOST.fullmatch(host)
    client: Any = boto3.client(
        "s3",
        endpoint_url=f"{'https' if is_secure else 'http'}://{endpoint}",
        region_name=aws["region"] if aws else "us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            proxies={},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    if not settings().allow_private_object_stores:
        _check_host(host.strip("[]"), int(parts["port"] or (443 if is_secure else 80)))
        session = PublicSession(timeout=(_CONNECT_SECONDS, _READ_SECONDS))
        client.meta.events.register("before-send.s3", lambda request, **_: session.send(request))
    return client


def _check_host(host: str, port: int) -> None:
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not is_public(str(address[0])):
            raise _unreadable("its object store is not at a public address")


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address belongs to the internet, neither to this machine nor to its network."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip in _TRANSLATED_IPV4:
            ip = ip_address(int(ip) & 0xFFFF_FFFF)
        else:
            ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast


def _public_connection(connection: socket.socket) -> socket.socket:
    if not is_public(str(connection.getpeername()[0])):
        connection.close()
        raise ConnectionRefusedError("not a public address")
    return connection


class _PublicHTTPConnection(AWSHTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _public_connection(super()._new_conn())


class _PublicHTTPSConnection(AWSHTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _public_connection(super()._new_conn())


class _PublicHTTPPool(AWSHTTPConnectionPool):
    ConnectionCls = _PublicHTTPConnection


class _PublicHTTPSPool(AWSHTTPSConnectionPool):
    ConnectionCls = _PublicHTTPSConnection


class PublicSession(URLLib3Session):
    """botocore's HTTP session, which sends nothing on a connection to an address that isn't public."""

    _manager: Any  # the stubs don't know it

    def __init__(self, **options: Any) -> None:
        super().__init__(proxies={}, **options)
        self._manager.pool_classes_by_scheme = {"http": _PublicHTTPPool, "https": _PublicHTTPSPool}
