"""The client of Redis: of one server, of the one that Sentinels name, or of a cluster.

Connecting waits for the first command. Whichever it is, ``cache`` sends it the same commands: each
touches one key, or is a deletion that the cluster's client divides among the nodes.
"""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from chalicelib.config import Settings

TIMEOUT_SECONDS = 0.5

Client = redis.Redis | RedisCluster

# RedisClusterException is no RedisError: an unreachable cluster, a slot that nobody has.
FAILURES = (redis.RedisError, redis.RedisClusterException)


def connect(s: Settings) -> Client:
    """A client as the settings say. That of a cluster asks a node for the others at once.

    Raises one of FAILURES when no node of a cluster answers.
    """
    options = {
        "username": s.redis_username or None,
        "password": s.redis_password or None,
        "retry": _retry(),
        **_transport(s),
    }
    if s.redis_sentinels:
        sentinels = Sentinel(  # type: ignore[no-untyped-call]
            [_address(text) for text in s.redis_sentinels.split(",")],
            sentinel_kwargs={
                "password": s.redis_sentinel_password or None,
                "retry": _retry(),
                **_transport(s),
            },
        )
        master: redis.Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
            s.redis_sentinel_service, **options
        )
        return master
    if s.redis_cluster:
        # Some nodes without an owner of theirs are no reason to do without the others.
        return RedisCluster(host=s.redis_host, port=s.redis_port, require_full_coverage=False, **options)
    return redis.Redis(host=s.redis_host, port=s.redis_port, **options)


def _retry() -> Retry:
    # redis-py's own are ten, which take four seconds when nobody listens. One is for a connection that
    # was closed while the function slept. A timeout isn't tried again: the next would be one, too.
    return Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))


def _transport(s: Settings) -> dict[str, Any]:
    tls = {"ssl": True, "ssl_ca_certs": s.redis_ca or None, "ssl_check_hostname": True} if s.redis_tls else {}
    return {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS, **tls}


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
