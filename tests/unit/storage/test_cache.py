from __future__ import annotations

import pickle

import pytest

from chalicelib.storage import cache


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.usefixtures("service")
def test_progress_counts_a_chunk_once():
    cache.begin_run("a")

    for chunk in (0, 1, 1, 0):
        cache.count_chunk("a", chunk, 10, 2)

    assert cache.progress("a") == cache.Progress(comparisons=20, candidate_pairs=4)


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
def test_every_answer_is_none_while_redis_is_away(override_settings):
    override_settings(REDIS_PORT="1")

    assert cache.progress("a") is None
    assert cache.begin_run("a") is None
    assert cache.forget_runs(["a"]) is None
    assert cache.get_status() is None
