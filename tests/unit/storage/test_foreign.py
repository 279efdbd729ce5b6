from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError

from chalicelib.errors import PermanentError
from chalicelib.storage import foreign
from tests.unit.foreign_store import KEYS, ForeignStore, foreign_store

pytestmark = pytest.mark.usefixtures("database_settings")


@pytest.fixture
def store(override_settings) -> Iterator[ForeignStore]:
    override_settings(ALLOW_PRIVATE_OBJECT_STORES="true")
    with foreign_store() as store:
        yield store


def read(reference: dict) -> bytes:
    opened = foreign.open_object(reference["file"], reference["credentials"])
    return b"".join(iter(lambda: opened.body.read(3), b""))


def test_an_object_is_read_with_the_given_credentials(store):
    reference = store.put("a/b c.bin", b"content", hash_count=3)
    store.objects["/theirs/a/b%20c.bin"] = store.objects["/theirs/a/b c.bin"]
    reference["credentials"] = {**KEYS, "SessionToken": "session"}

    opened = foreign.open_object(reference["file"], reference["credentials"])

    assert opened.body.read(100) == b"content"
    assert opened.size_bytes == 7
    assert opened.metadata == {"hash-count": "3"}
    assert "/us-east-1/s3/aws4_request" in store.requests[0]["Authorization"]
    assert store.requests[0]["X-Amz-Security-Token"] == "session"


@pytest.mark.parametrize(
    ("path", "keys", "reason"),
    [
        ("missing", KEYS, "there is no such object"),
        ("there", {**KEYS, "AccessKeyId": "ANOTHER"}, "does not accept the given credentials"),
        ("there", {**KEYS, "AccessKeyId": "TWO\r\nLINES"}, "no valid answer"),
        ("short", KEYS, "no valid answer"),
    ],
)
def test_a_store_that_cannot_be_read_gives_a_reason_and_nothing_of_its_own(store, path, keys, reason):
    store.put("there", b"content")
    reference = {**store.put("short", b"content"), "credentials": keys}
    reference["file"]["path"] = path

    with pytest.raises(PermanentError, match=reason) as caught:
        read(reference)

    text = str(caught.value)
    assert not any(secret in text for secret in ("SECRET", "KEY", "their", store.endpoint, path))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("endpoint", ["127.0.0.1:1", "no-such-host.invalid"])
def test_a_store_that_is_not_there_is_told(store, endpoint):
    reference = store.put("a", b"")
    reference["file"]["endpoint"] = endpoint

    with pytest.raises(PermanentError, match="could not be reached"):
        read(reference)


@pytest.mark.parametrize("endpoint", ["http://a.example", "a.example/b", "user@a.example", "a b", "", "a:b"])
def test_an_endpoint_is_a_host_and_a_port(store, endpoint):
    reference = store.put("a", b"")
    reference["file"]["endpoint"] = endpoint

    with pytest.raises(PermanentError, match="must be a host"):
        read(reference)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0", "[::1]"])
def test_a_store_in_the_service_s_own_network_is_refused_unasked(store, override_settings, host):
    override_settings(ALLOW_PRIVATE_OBJECT_STORES="false")
    reference = store.put("a", b"content")
    reference["file"]["endpoint"] = f"{host}:{store.endpoint.rpartition(':')[2]}"

    with pytest.raises(PermanentError, match="not at a public address"):
        read(reference)

    assert store.requests == []


def test_a_name_that_turned_private_since_it_was_looked_up_gets_no_request(store):
    session = foreign.PublicSession(timeout=5)
    request = AWSRequest("GET", f"http://{store.endpoint}/theirs/a").prepare()

    with pytest.raises(HTTPClientError):
        session.send(request)

    assert store.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "ff02::1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_internet_is_known(address):
    assert not foreign.is_public(address)


@pytest.mark.parametrize("address", ["52.218.0.1", "2600:1f00::1", "::ffff:52.218.0.1", "64:ff9b::34da:1"])
def test_an_address_of_the_internet_is_known(address):
    assert foreign.is_public(address)
