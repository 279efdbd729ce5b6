"""Whether something answers, asked over HTTP without any proxy."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request

from localstack.errors import StackError

_POLL_SECONDS = 0.2


def answers(url: str, timeout_seconds: float = 10) -> bool:
    """Whether ``url`` is answered by 200, now."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout_seconds) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, http.client.HTTPException):
        return False


def await_answer(url: str, seconds: float) -> None:
    """Wait until ``url`` is answered by 200. Raises StackError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > deadline:
            raise StackError(f"no answer from {url} in {seconds:g} s")
        time.sleep(_POLL_SECONDS)
