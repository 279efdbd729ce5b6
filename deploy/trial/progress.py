"""Says how far a trial is. The log in its folder has the rest."""

from __future__ import annotations

import contextlib
import sys
import time

from deploy.trial.limits import Watch

_QUIET_SECONDS = 30  # between two lines of one step, where lines stay


class Progress:
    """One line that changes on a terminal; elsewhere a line a step, and one now and then."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._step = ""
        self._line = ""
        self._shown_at = 0.0
        self.detail = ""
        watch.show = self._show

    def begin(self, step: str) -> None:
        """The next step: what is done, in a few words."""
        self._step, self.detail = step, ""
        self._show(always=True)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._print(f"{self._time()} {text}\n")

    def _show(self, *, always: bool = False) -> None:
        line = f"{self._time()} {self._step}{': ' if self.detail else ''}{self.detail}"
        if sys.stdout.isatty():
            if line != self._line:
                self._print(f"\r\033[K{line}")
        elif always or (line != self._line and time.monotonic() > self._shown_at + _QUIET_SECONDS):
            self._print(f"{line}\n")
            self._shown_at = time.monotonic()
        self._line = line

    def _time(self) -> str:
        return f"[{_minutes(self._watch.elapsed_seconds)} of {_minutes(self._watch.limit_seconds)}]"

    def _print(self, text: str) -> None:
        # Whoever read it may be gone; the trial still has to be cleaned up.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)
            sys.stdout.flush()


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
