"""Real Redis servers as operators have them: one behind a Sentinel with a replica, and a cluster of three.

Each context manager gives the environment variables that lead the service there.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from localstack.redis import _server
from localstack.settings import HOST, is_free

PASSWORD = "the-servers"
SENTINEL_PASSWORD = "the-sentinels"
_SLOTS = 16_384
_DEADLINE_SECONDS = 30


@dataclass
class Servers:
    """``environment`` of the functions, and the processes that tests may kill."""

    environment: dict[str, str]
    processes: dict[int, subprocess.Popen[str]]  # by port

    def kill(self, port: int) -> None:
        os.kill(self.processes[port].pid, signal.SIGKILL)
        self.processes[port].wait()


@contextmanager
def sentinel(directory: Path) -> Iterator[Servers]:
    """A master, its replica and one Sentinel, which gives up a master after 0.2 s."""
    with ExitStack() as stack:
        processes: dict[int, subprocess.Popen[str]] = {}
        master, replica, watcher = _ports(3)
        common = {"requirepass": PASSWORD, "masterauth": PASSWORD, "repl-diskless-sync-delay": "0"}
        processes[master] = stack.enter_context(_running(directory / "master", master, common))
        following = common | {"replicaof": f"{HOST} {master}"}
        processes[replica] = stack.enter_context(_running(directory / "replica", replica, following))
        processes[watcher] = stack.enter_context(
            _running(
                directory / "sentinel",
                watcher,
                {
                    "requirepass": SENTINEL_PASSWORD,
                    "sentinel monitor": f"cache {HOST} {master} 1",
                    "sentinel auth-pass": f"cache {PASSWORD}",
                    "sentinel down-after-milliseconds": "cache 200",
                    "sentinel failover-timeout": "cache 1000",
                },
                "--sentinel",
            )
        )
        wait_until(lambda: _knows_replica(watcher))
        nobody = _ports(1)[0]  # the first Sentinel is away: the next is asked
        yield Servers(
            {
                "REDIS_HOST": "",
                "REDIS_SENTINELS": f"{HOST}:{nobody},{HOST}:{watcher}",
                "REDIS_SENTINEL_SERVICE": "cache",
                "REDIS_SENTINEL_PASSWORD": SENTINEL_PASSWORD,
                "REDIS_PASSWORD": PASSWORD,
            },
            processes,
        )


def master_port(servers: Servers) -> int:
    """Which of the servers the Sentinel takes for the master."""
    port = int(servers.environment["REDIS_SENTINELS"].rpartition(":")[2])
    with _client(port, SENTINEL_PASSWORD) as client:
        return int(client.sentinel_get_master_addr_by_name("cache")[1])


@contextmanager
def cluster(directory: Path) -> Iterator[Servers]:
    """Three masters with a third of the slots each."""
    with ExitStack() as stack:
        ports = _ports(3)
        options = {
            "requirepass": PASSWORD,
            "cluster-enabled": "yes",
            "cluster-node-timeout": "2000",
            "cluster-require-full-coverage": "no",
        }
        processes = {
            port: stack.enter_context(_running(directory / str(port), port, options)) for port in ports
        }
        clients = [stack.enter_context(_client(port, PASSWORD)) for port in ports]
        bounds = [_SLOTS * part // len(ports) for part in range(len(ports) + 1)]
        for client, first, end in zip(clients, bounds, bounds[1:], strict=False):
            client.execute_command("CLUSTER ADDSLOTS", *range(first, end))
        for port in ports[1:]:
            clients[0].execute_command("CLUSTER MEET", HOST, port)
        wait_until(lambda: all(_is_whole(client, len(ports)) for client in clients))
        environment = {"REDIS_PORT": str(ports[0]), "REDIS_PASSWORD": PASSWORD, "REDIS_CLUSTER": "true"}
        yield Servers(environment, processes)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@contextmanager
def _running(
    directory: Path, port: int, options: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    directory.mkdir()
    own = {"bind": HOST, "port": str(port), "dir": str(directory)}
    if not arguments:
        own["save"] = '""'
    configuration = directory / "redis.conf"  # a Sentinel writes its own
    configuration.write_text("".join(f"{name} {value}\n" for name, value in (own | options).items()))
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [_server(), str(configuration), *arguments], stdout=log, stderr=log, text=True
        )
    try:
        wait_until(lambda: _answers(port, options["requirepass"]))
        yield process
    finally:
        process.kill()
        process.wait()


def _client(port: int, password: str) -> redis.Redis:
    return redis.Redis(host=HOST, port=port, password=password, socket_timeout=2)


def _answers(port: int, password: str) -> bool:
    try:
        with _client(port, password) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def _knows_replica(watcher: int) -> bool:
    with _client(watcher, SENTINEL_PASSWORD) as client:
        replicas = client.sentinel_slaves("cache")
    return any(replica["flags"] == "slave" and replica["master-link-status"] == "ok" for replica in replicas)


def _is_whole(client: redis.Redis, nodes: int) -> bool:
    lines = client.execute_command("CLUSTER INFO")
    text = lines if isinstance(lines, dict) else dict(line.split(":") for line in lines.decode().split())
    return text["cluster_state"] == "ok" and text["cluster_known_nodes"] == str(nodes)


def _ports(count: int) -> list[int]:
    """Free ones, as are those 10,000 above, where the nodes of a cluster talk to one another."""
    free = [
        port for port in random.sample(range(20_000, 22_000), 200) if is_free(port) and is_free(port + 10_000)
    ]
    return free[:count]
