"""A thread that looks at something while other work goes on."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self


class Watch(ABC):
    """``with`` it, ``look`` is called every ``interval_seconds``."""

    interval_seconds = 0.01

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self.interval_seconds):
            self.look()

    @abstractmethod
    def look(self) -> None: ...
