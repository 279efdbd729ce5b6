"""How a good client waits: "later" is no failure, and what takes long is looked at less often.

An API in AWS lets so many requests a second through, and starts its functions when they are needed: a test
that asked fifty times a second would soon be told to wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

WAIT_SECONDS = 180  # most of it for functions that start for the first time
_PAUSES_SECONDS = (0.02, 2)
_CONNECTIONS = 100  # as many as the largest crowd
_TIMES_LATER = 24  # API Gateway says "in 5 seconds"


def session() -> requests.Session:
    """A session that asks again where an answer says when (``Retry-After``), and only there."""
    later = Retry(_TIMES_LATER, connect=0, read=False, allowed_methods=None, raise_on_status=False)
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=later))
    return made


def looks(seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """A turn for each look at a condition, each a fifth later than the one before, for ``seconds``."""
    started = time.monotonic()
    shortest, longest = _PAUSES_SECONDS
    while (elapsed := time.monotonic() - started) < seconds:
        yield
        time.sleep(min(longest, max(shortest, elapsed / 5)))


def wait_until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    for _ in looks(seconds):
        if condition():
            return
    raise AssertionError(f"{condition} did not hold within {seconds:g} s")
