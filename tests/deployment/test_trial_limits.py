from __future__ import annotations

import os
import signal

import pytest

from deploy.trial.errors import Stopped
from deploy.trial.limits import Watch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for end in ends:
        os.close(end)


def test_work_stops_while_there_is_time_to_clean_up(clock):
    watch = Watch(1800, 600, clock=clock)

    clock.now += 1199
    watch.check()
    clock.now += 1

    with pytest.raises(Stopped, match="out of time: the rest of 30 minutes"):
        watch.check()


def test_logs_get_a_fifth_of_what_is_reserved(clock):
    watch = Watch(1800, 600, clock=clock)

    clock.now += 1319
    assert watch.may_fetch_logs
    clock.now += 1

    assert not watch.may_fetch_logs


def test_whoever_waits_is_stopped_by_a_signal():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    watch = Watch(1800, 600)
    try:
        watch.stop_at_signals()
        watch.show = lambda: signal.raise_signal(signal.SIGTERM)

        with pytest.raises(Stopped, match="SIGTERM"):
            watch.wait(600)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_whoever_waits_is_stopped_when_the_other_end_of_the_lifeline_goes(pipe):
    reading, writing = pipe
    watch = Watch(1800, 600, lifeline=reading)
    watch.check()
    pipe[1] = os.dup(reading)  # something for the fixture to close

    os.close(writing)

    with pytest.raises(Stopped, match="whoever started the trial is gone"):
        watch.wait(600)


def test_the_first_reason_is_told(clock):
    watch = Watch(1800, 600, clock=clock)
    watch.stop("SIGINT")
    watch.stop("SIGTERM")
    clock.now += 5000

    with pytest.raises(Stopped, match=r"^SIGINT$"):
        watch.check()


def test_waiting_ends():
    watch = Watch(1800, 600)
    shown = []
    watch.show = lambda: shown.append(watch.elapsed_seconds)

    watch.wait(0.3)

    assert shown
