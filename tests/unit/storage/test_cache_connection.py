"""How Redis is reached, and that its loss is noticed, told once and survived."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import redis
import trustme

from chalicelib.config import settings
from chalicelib.storage import cache
from chalicelib.storage.cache_connection import TIMEOUT_SECONDS, connect
from localstack.settings import HOST
from tests.unit.storage import redis_servers, tls

AWAY = {
    "server": {"REDIS_PORT": "1"},
    "sentinel": {"REDIS_SENTINELS": f"{HOST}:1,{HOST}:2"},
    "cluster": {"REDIS_PORT": "1", "REDIS_CLUSTER": "true"},
}


@pytest.fixture
def failures(monkeypatch) -> list[str]:
    counted: list[str] = []
    monkeypatch.setattr(cache, "count", counted.append)
    return counted


@pytest.fixture
def rested(monkeypatch) -> None:
    """A failure is forgotten at once."""
    monkeypatch.setattr(cache, "_REST_SECONDS", 0)


@pytest.mark.parametrize("topology", AWAY)
@pytest.mark.usefixtures("database_settings")
def test_every_answer_is_none_while_redis_is_away(override_settings, failures, topology):
    override_settings(**AWAY[topology])

    assert cache.progress("a") is None
    assert cache.begin_run("a") is None
    assert cache.forget_runs(["a"]) is None
    assert cache.get_status() is None
    assert failures == ["CacheFailures"]  # the others didn't ask


@pytest.mark.usefixtures("database_settings")
def test_a_server_that_is_silent_is_asked_once(override_settings, failures):
    with socket.create_server((HOST, 0)) as silent:
        override_settings(REDIS_PORT=str(silent.getsockname()[1]))

        assert cache.get_status() is None

        silent.settimeout(TIMEOUT_SECONDS)
        silent.accept()
        with pytest.raises(TimeoutError):
            silent.accept()
    assert failures == ["CacheFailures"]


@pytest.mark.usefixtures("database_settings", "failures")
def test_the_log_says_why_and_no_secret(override_settings, caplog):
    override_settings(REDIS_PASSWORD="of-somebody-else")

    cache.get_status()

    (record,) = [record for record in caplog.records if record.message == "cache failed"]
    assert record.error == "AuthenticationError"
    assert record.reason.startswith("invalid username-password pair")
    assert "of-somebody-else" not in str(vars(record))


@pytest.mark.usefixtures("database_settings", "rested")
def test_after_a_failover_the_cache_works_again(override_settings, failures, tmp_path):
    with redis_servers.sentinel(tmp_path) as servers:
        override_settings(**servers.environment)
        cache.put_project_comparisons("p", 12)
        assert cache.project_comparisons("p") == 12
        before = redis_servers.master_port(servers)

        servers.kill(before)

        redis_servers.wait_until(lambda: redis_servers.master_port(servers) != before)
        redis_servers.wait_until(
            lambda: cache.put_project_comparisons("p", 13) or cache.project_comparisons("p") == 13
        )
    assert failures


@pytest.mark.usefixtures("database_settings", "rested")
def test_a_cluster_that_loses_a_node_keeps_the_others_keys(override_settings, failures, tmp_path):
    with redis_servers.cluster(tmp_path) as servers:
        override_settings(**servers.environment)
        port = int(servers.environment["REDIS_PORT"])
        client = connect(settings())
        projects = [str(number) for number in range(50)]
        lost = {p for p in projects if client.get_node_from_key(f"project:{p}").port == port}
        for project in projects:
            cache.put_project_comparisons(project, 12)

        servers.kill(port)

        assert lost
        assert {p for p in projects if cache.project_comparisons(p) == 12} == set(projects) - lost
        assert failures


@pytest.mark.usefixtures("database_settings")
def test_a_user_has_a_name(override_settings, database_settings):
    with redis.Redis.from_url(database_settings.redis_url) as admin:
        admin.acl_setuser(
            "worker", enabled=True, passwords=["+secret"], keys=["project:*"], commands=["+@all"]
        )
    override_settings(REDIS_USERNAME="worker", REDIS_PASSWORD="secret")

    cache.put_project_comparisons("p", 12)

    assert cache.project_comparisons("p") == 12
    with pytest.raises(redis.exceptions.NoPermissionError):
        connect(settings()).get("entityservice-status")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_port(authority, database_settings) -> Iterator[int]:
    with tls.terminator(authority, "localhost", database_settings.redis_port) as port:
        yield port


def test_tls_verifies_the_server_by_the_authority(tls_port, authority, override_settings, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    override_settings(
        REDIS_HOST="localhost", REDIS_PORT=str(tls_port), REDIS_TLS="true", REDIS_CA=str(tmp_path / "ca.pem")
    )

    assert connect(settings()).ping()


@pytest.mark.parametrize(
    ("host", "ca", "reason"),
    [
        ("localhost", "another", "certificate verify failed"),
        ("localhost", "none", "certificate verify failed"),
        (HOST, "its", "IP address mismatch"),
        ("localhost", "absent", "No such file"),
    ],
)
def test_tls_refuses_whoever_it_cannot_verify(
    tls_port, authority, override_settings, tmp_path, host, ca, reason
):
    authority.cert_pem.write_to_path(tmp_path / "its")
    trustme.CA().cert_pem.write_to_path(tmp_path / "another")
    override_settings(
        REDIS_HOST=host,
        REDIS_PORT=str(tls_port),
        REDIS_TLS="true",
        REDIS_CA="" if ca == "none" else str(tmp_path / ca),
    )

    with pytest.raises(redis.ConnectionError, match=reason):
        connect(settings()).ping()


def test_tls_is_for_sentinels_too(authority, override_settings, database_settings, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with redis_servers.sentinel(tmp_path) as servers:
        watcher = int(servers.environment["REDIS_SENTINELS"].rpartition(":")[2])
        with tls.terminator(authority, "localhost", watcher) as port:
            override_settings(
                **servers.environment
                | {
                    "REDIS_SENTINELS": f"localhost:{port}",
                    "REDIS_TLS": "true",
                    "REDIS_CA": str(tmp_path / "ca.pem"),
                }
            )
            pool = connect(settings()).connection_pool

            assert pool.get_master_address()[1] == redis_servers.master_port(servers)
