"""How long a trial may work, and who may stop it: its limit, a signal, or the end of its caller.

All waiting goes through ``Watch.wait``, so that each of the three is noticed within a fraction of a second.
Cleaning up asks nobody.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType

from deploy.trial.errors import Stopped

_SLICE_SECONDS = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Watch:
    """Counts from its making. ``limit_seconds`` is for all, the last ``reserve_seconds`` are to clean up.

    ``lifeline`` is the reading end of a pipe that whoever started this holds open as long as it lives.
    ``show`` is called while somebody waits.
    """

    def __init__(
        self,
        limit_seconds: float,
        reserve_seconds: float,
        lifeline: int | None = None,
        show: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit_seconds = limit_seconds
        self._work_seconds = limit_seconds - reserve_seconds
        self._log_seconds = self._work_seconds + reserve_seconds / 5
        self._lifeline = lifeline
        self.show = show
        self._clock = clock
        self._started_at = clock()
        self._reason: str | None = None

    @property
    def elapsed_seconds(self) -> float:
        return self._clock() - self._started_at

    @property
    def may_fetch_logs(self) -> bool:
        """Whether the logs still have time: what is needed to destroy is not theirs."""
        return self.elapsed_seconds < self._log_seconds

    def stop(self, reason: str) -> None:
        """Let whoever waits, or waits next, be Stopped. The first reason counts."""
        self._reason = self._reason or reason

    def stop_at_signals(self) -> None:
        """From now on this process's signals stop the trial instead of the process."""

        def handle(number: int, _frame: FrameType | None) -> None:
            self.stop(signal.Signals(number).name)

        for number in _SIGNALS:
            signal.signal(number, handle)

    def check(self) -> None:
        """Raises Stopped if there is a reason to."""
        if self._is_abandoned(0):
            self.stop("whoever started the trial is gone")
        if self.elapsed_seconds >= self._work_seconds:
            minutes = self.limit_seconds / 60
            self.stop(f"out of time: the rest of {minutes:g} minutes is needed to clean up")
        if self._reason:
            raise Stopped(self._reason)

    def wait(self, seconds: float) -> None:
        """Raises Stopped as soon as there is a reason to."""
        end = self._clock() + seconds
        self.check()
        while (left := end - self._clock()) > 0:
            self._is_abandoned(min(left, _SLICE_SECONDS))
            self.show()
            self.check()

    def _is_abandoned(self, seconds: float) -> bool:
        if self._lifeline is None:
            time.sleep(seconds)
            return False
        readable, _, _ = select.select([self._lifeline], [], [], seconds)
        return bool(readable) and os.read(self._lifeline, 1) == b""
