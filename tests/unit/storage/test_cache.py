"""The same promises by one server, by the master that a Sentinel names, and by a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chalicelib.config import settings
from chalicelib.storage import cache
from chalicelib.storage.cache_connection import Client, connect
from tests.unit.storage import redis_servers

TOPOLOGIES = ("server", "sentinel", "cluster")


@pytest.fixture(scope="module")
def environments(tmp_path_factory) -> Iterator[dict[str, dict[str, str]]]:
    with ExitStack() as stack:
        yield {
            "server": {},
            "sentinel": stack.enter_context(
                redis_servers.sentinel(tmp_path_factory.mktemp("sentinel"))
            ).environment,
            "cluster": stack.enter_context(
                redis_servers.cluster(tmp_path_factory.mktemp("cluster"))
            ).environment,
        }


@pytest.fixture(params=TOPOLOGIES)
def redis_client(request, environments, database_settings, override_settings) -> Iterator[Client]:
    override_settings(**environments[request.param])
    with connect(settings()) as client:
        client.flushall()
        yield client


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.usefixtures("service")
def test_progress_counts_a_chunk_once():
    cache.begin_run("a")

    for chunk in (0, 1, 1, 0):
        cache.count_chunk("a", chunk, 10, 2, 300)

    assert cache.progress("a") == cache.Progress(done=20, candidate_pairs=4, calls=2, milliseconds=600)


@pytest.mark.usefixtures("service")
def test_a_run_that_starts_again_keeps_what_it_has_cost():
    cache.begin_run("a")
    cache.count_chunk("a", 0, 10, 2, 300)

    cache.begin_run("a")
    cache.count_chunk("a", 0, 10, 2, 50)

    assert cache.progress("a") == cache.Progress(done=10, candidate_pairs=2, calls=2, milliseconds=350)


@pytest.mark.usefixtures("service")
def test_after_a_flush_redis_says_that_it_does_not_know(redis_client):
    cache.begin_run("a")
    redis_client.flushall()

    cache.count_chunk("a", 1, 10, 2)

    assert cache.progress("a") is None


@pytest.mark.usefixtures("service")
def test_status_comes_back_as_it_was_put():
    cache.put_status({"status": "ok", "project_count": 3, "rate": 1})

    assert cache.get_status() == {"status": "ok", "project_count": 3, "rate": 1}


@pytest.mark.usefixtures("service")
def test_a_poisoned_cache_runs_no_code(redis_client, capsys):
    redis_client.set("entityservice-status", pickle.dumps(Evil()))

    assert cache.get_status() is None
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.usefixtures("service")
def test_a_small_data_set_comes_back_for_the_upload_that_made_it_alone(redis_client):
    dataset = {"upload_id": "u", "encodings": b"12345678", "rows": b"1234"}

    cache.put_encodings("d", dataset)

    assert cache.get_encodings("d", "u") == dataset
    assert cache.get_encodings("d", "another") is None
    assert cache.get_encodings("unknown", "u") is None
    assert 0 < redis_client.ttl("clk-pkl-d") <= 864_000


@pytest.mark.usefixtures("service")
def test_a_data_set_and_a_project_can_be_forgotten(redis_client):
    cache.put_encodings("d", {"upload_id": "u"})
    cache.put_project_comparisons("p", 12)

    assert cache.project_comparisons("p") == 12
    assert 0 < redis_client.ttl("project:p") <= 3_600
    assert (cache.forget_encodings(["d", "e"]), cache.forget_project("p")) == (1, 1)
    assert (cache.forget_encodings(["d", "e"]), cache.forget_project("p")) == (0, 0)
    assert cache.get_encodings("d", "u") is None
    assert cache.project_comparisons("p") is None


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("poison", [Evil(), [], "text", {1: 2}], ids=["code", "list", "text", "no upload"])
def test_poisoned_encodings_are_none_at_all(redis_client, capsys, poison):
    redis_client.set("clk-pkl-d", pickle.dumps(poison))

    assert cache.get_encodings("d", "u") is None
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.usefixtures("service")
def test_a_poisoned_number_of_comparisons_is_none_at_all(redis_client):
    redis_client.hset("project:p", "total_comparisons", "many")

    assert cache.project_comparisons("p") is None


@pytest.mark.usefixtures("service")
def test_what_belongs_to_many_runs_and_parties_is_forgotten_wherever_it_lies():
    names = [str(number) for number in range(20)]
    for name in names:
        cache.begin_run(name)
        cache.put_encodings(name, {"upload_id": "u"})

    assert (cache.forget_runs(names), cache.forget_encodings(names)) == (20, 20)
    assert cache.progress("7") is None
    assert cache.get_encodings("7", "u") is None
