"""What we change in MiniStack while it runs, each with its reason. Written against the pinned version.

Where a patch replaces text it checks that the text is there, so that another version fails loudly
instead of behaving a little differently.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from localstack.logs import log_file

_RAISED = "__raised__"
_ANSWER_OF_AN_EXCEPTION = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_RECORD_AN_EXCEPTION = f"""
def _record_exception(e):
    import traceback
    traceback.print_exc()
    error = {{"errorMessage": str(e), "errorType": type(e).__name__,
              "stackTrace": traceback.format_exc().splitlines()}}
    return {{"status": "ok", "result": {{"{_RAISED}": error}}}}
"""
_PROBLEM = {
    "type": "about:blank",
    "title": "Bad Gateway",
    "status": 502,
    "detail": "The API failed: see its log.",
}
_BAD_GATEWAY = {
    "statusCode": 502,
    "headers": {"Content-Type": "application/problem+json"},
    "body": json.dumps(_PROBLEM),
}
_START_PAUSE_SECONDS = 0.15
_SHORTER_PAUSE_SECONDS = 0.005


def apply(logs_dir: Path, name_prefix: str, function_concurrency: int) -> None:
    """Change MiniStack in this process; called once, before it serves."""
    _carry_exceptions_out()
    _wrap_invocations(logs_dir, name_prefix, function_concurrency)
    _write_function_logs(logs_dir, name_prefix)
    _shorten_the_pause_before_executions()
    _let_the_api_answer_options()


def _carry_exceptions_out() -> None:
    """A handler's exception keeps its class name, and its worker stays warm, both as in AWS.

    MiniStack reports all as Runtime.HandlerError, which no ``ErrorEquals`` matches, and ends the worker.
    So the worker answers with a marked result, which ``_wrap_invocations`` turns into the error.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _ANSWER_OF_AN_EXCEPTION not in script:
        raise RuntimeError("MiniStack's worker script has changed: see localstack/patches.py")
    script = script.replace(_ANSWER_OF_AN_EXCEPTION, "_record_exception(e)")
    lambda_runtime._PYTHON_WORKER_SCRIPT = _RECORD_AN_EXCEPTION + script


def _wrap_invocations(logs_dir: Path, name_prefix: str, concurrency: int) -> None:
    """Bound each function's workers, by waiting; and give errors the form that Lambda gives them.

    Worker processes have no ceiling of their own, and a laptop has less memory than AWS.
    MiniStack's own bound refuses instead of waiting.
    """
    invoke = lambda_svc._execute_function_warm
    slots: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(concurrency))
    api = f"{name_prefix}api"
    slots[api] = threading.Semaphore(1_000)  # the front bounds the API, before a thread is taken

    def bounded(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        name = (func.get("config") or func)["FunctionName"]
        with slots[name]:
            result: dict[str, Any] = invoke(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and _RAISED in body:
            result = {"body": body[_RAISED], "error": True, "log": ""}
        elif result.get("error"):  # a worker that died or didn't start: the handler couldn't log it
            log_file(logs_dir, name.removeprefix(name_prefix)).info("%s", body)
        # MiniStack's gateway would show the trace to the client.
        return {"body": _BAD_GATEWAY, "log": ""} if name == api and result.get("error") else result

    lambda_svc._execute_function_warm = bounded


def _write_function_logs(logs_dir: Path, name_prefix: str) -> None:
    """What functions print goes into a file each, instead of into memory for ever.

    That also spares every call the wait for a first log line.
    """

    def copy_stderr(worker: Any) -> None:
        log = log_file(logs_dir, worker.func_name.removeprefix(name_prefix))
        for line in worker._proc.stderr:
            log.info(line.rstrip("\n"))

    def report(func: Any, request_id: str, _text: str, error: bool, duration_ms: int, **_: Any) -> None:
        name = (func.get("config") or func)["FunctionName"].removeprefix(name_prefix)
        outcome = "error" if error else "ok"
        log_file(logs_dir, name).info(
            "REPORT RequestId: %s Duration: %s ms %s", request_id, duration_ms, outcome
        )

    lambda_runtime.Worker._read_stderr = copy_stderr
    lambda_runtime.Worker._drain_stderr_bounded = lambda _worker, **_: ""
    lambda_svc._emit_lambda_logs = report


def _shorten_the_pause_before_executions() -> None:
    """MiniStack sleeps 0.15 s at the start of every execution: most of the time of a small run."""

    def sleep(seconds: float) -> None:
        time.sleep(_SHORTER_PAUSE_SECONDS if seconds == _START_PAUSE_SECONDS else seconds)

    names = {name: getattr(time, name) for name in dir(time)}
    stepfunctions.time = SimpleNamespace(**names | {"sleep": sleep})


def _let_the_api_answer_options() -> None:
    """OPTIONS reaches the function, as a route for ANY method does in AWS; buckets answer their own."""
    answer = app._handle_options_request

    def answer_unless_api(method: str, path: str, *rest: Any) -> Any:
        return None if path.startswith("/restapis/") else answer(method, path, *rest)

    app._handle_options_request = answer_unless_api
