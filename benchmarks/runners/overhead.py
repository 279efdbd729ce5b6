"""What a run takes beside comparing: state transitions, calls of functions, requests to the stores, and time
in which no function is at work. Counted on an embedded stack whose parts log what they are asked.

Counts are those of AWS as well, but for the objects that Step Functions itself reads and writes for a
Distributed Map. Times are the emulator's: they say where time goes, not how much it is there.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3
import psycopg2
import redis
from botocore.exceptions import ClientError

from benchmarks.data import pair
from benchmarks.measuring import environment
from benchmarks.runners.rest import Linkage
from chalicelib import prices
from localstack.stack import Stack, running

# S3 Standard, https://aws.amazon.com/s3/pricing/; DELETE is free.
USD_A_WRITE = 0.005 / 1_000  # PUT, COPY, POST, LIST
USD_A_READ = 0.0004 / 1_000

_STEP = 1e-6  # a run at a threshold as high as one before would reuse its comparisons
_POLL_SECONDS = 0.02
_DEADLINE_SECONDS = 60

Span = tuple[float, float]
"""Start and stop, in seconds since the epoch."""


class State(NamedTuple):
    """A state that an execution was in."""

    name: str
    kind: str  # Task, Map, Choice
    span: Span


class Call(NamedTuple):
    """The work of a handler, without what is around it."""

    function: str
    span: Span


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each of ``cases``.

    A case has ``records`` a side, ``threshold``, ``repetitions``, and ``reuses`` if an earlier run has
    compared the same already. Times are those of the fastest run. Requests are those of the run with the
    fewest: a connection that is made anew, or the reconciler, only add some.
    """
    with ExitStack() as opened:
        directory = Path(opened.enter_context(TemporaryDirectory()))
        opened.enter_context(environment(EMULATOR_LOG_LEVEL="DEBUG"))  # a line a request
        observed = _Observed(opened.enter_context(running(directory)))
        return [_measured(observed, case) for case in experiment["cases"]]


def _measured(observed: _Observed, case: dict[str, Any]) -> dict[str, Any]:
    data, threshold = pair(case["records"]), case["threshold"]
    linkage = _Linkage(observed.stack.api_url, (data.a, data.b))
    linkage.upload()
    # Upwards a run finds its pairs in the one before, downwards it compares.
    step = _STEP if case.get("reuses") else -_STEP
    for turn in range(2):  # the workers get warm
        linkage.run(threshold + step * (turn - 2))
    rows = [observed.run(linkage, threshold + step * turn) for turn in range(case["repetitions"])]
    linkage.delete()
    fastest = min(rows, key=lambda row: float(row["milliseconds"]["execution"]))
    fewest = min(rows, key=lambda row: int(row["postgres"]["round_trips"] + row["redis"]))
    return case | fastest | {name: fewest[name] for name in ("postgres", "redis")}


class _Linkage(Linkage):
    """Runs without being asked how far they are, which would count."""

    def begin(self, threshold: float) -> str:
        token = self._project["result_token"]
        run_id: str = self._call("POST", f"{self._path}/runs", token, json={"threshold": threshold})["run_id"]
        return run_id

    def gb_seconds(self, run_id: str) -> float:
        status = self._call("GET", f"{self._path}/runs/{run_id}/status", self._project["result_token"])
        return float(status["cost"]["gb_seconds"])


class _Observed:
    """A stack that was started with EMULATOR_LOG_LEVEL=DEBUG."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        session = boto3.Session(
            stack.aws_access_key_id, stack.aws_secret_access_key, region_name=stack.region
        )
        self._s3: Any = session.client("s3", endpoint_url=stack.aws_endpoint_url)
        self._states: Any = session.client("stepfunctions", endpoint_url=stack.step_functions_endpoint)
        self._redis = redis.Redis.from_url(stack.redis_url)
        self._connection = _superuser(stack)
        self._execute("alter system set log_statement = 'all'")
        self._execute("select pg_reload_conf()")
        logs = Path(stack.logs_dir)
        self._postgres_log = Log(logs / "postgres.log", lambda name: self._execute(f"select '{name}'"))
        self._emulator_log = Log(logs / "emulator.log", self._ask_for)

    def run(self, linkage: _Linkage, threshold: float) -> dict[str, Any]:
        """What a run takes, from its POST until its execution has ended."""
        for log in (self._postgres_log, self._emulator_log):
            log.lines()
        reads, posted = self._redis_reads(), time.time()
        run_id = linkage.begin(threshold)
        execution = self._ended(run_id)
        redis_reads = self._redis_reads() - reads - 1  # the last was for asking
        statements = list(read_statements(self._postgres_log.lines()))
        requests = Counter(read_s3_requests(self._emulator_log.lines(), self.stack.data_bucket))
        states, children = self._history(execution["executionArn"])
        calls = self._calls(run_id, children + sum(state.kind == "Task" for state in states))
        started, stopped = execution["startDate"].timestamp(), execution["stopDate"].timestamp()
        at_work, transitions = covered(call.span for call in calls), len(states) + children
        return {
            "chunks": children,
            "transitions": transitions,
            "calls": dict(Counter(call.function for call in calls)),
            "milliseconds": {
                "request": 1000 * (started - posted),
                "execution": 1000 * (stopped - started),
                "functions": 1000 * at_work,
            },
            "states": by_state(states, calls),
            "postgres": of_postgres(statements),
            "redis": redis_reads,
            "s3": of_s3(requests),
            "s3_requests": dict(sorted(requests.items())),
            "usd": usd(transitions, len(calls), linkage.gb_seconds(run_id), of_s3(requests)),
        }

    def _execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _ask_for(self, key: str) -> None:
        with suppress(ClientError):  # there is none
            self._s3.head_object(Bucket=self.stack.data_bucket, Key=key)

    def _redis_reads(self) -> int:
        """How often the server has read from its clients: a pipeline or a script once, whatever is in it."""
        found: Any = self._redis.info("stats")
        return int(found["total_reads_processed"])

    def _ended(self, run_id: str) -> dict[str, Any]:
        arn = f"{self.stack.state_machines['link'].replace(':stateMachine:', ':execution:')}:{run_id}"
        while True:
            execution: dict[str, Any] = self._states.describe_execution(executionArn=arn)
            if execution["status"] == "SUCCEEDED":
                return execution
            if execution["status"] != "RUNNING":
                raise RuntimeError(f"the run ended as {execution['status']}")
            time.sleep(_POLL_SECONDS)

    def _history(self, arn: str) -> tuple[list[State], int]:
        """The states of an execution, and how many children its Distributed Maps had, of a state each."""
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=arn)
        states = list(read_states(event for page in pages for event in page["events"]))
        maps = self._states.list_map_runs(executionArn=arn)["mapRuns"]
        counts = [
            self._states.describe_map_run(mapRunArn=one["mapRunArn"])["executionCounts"] for one in maps
        ]
        return states, sum(count["total"] for count in counts)

    def _calls(self, run_id: str, expected: int) -> list[Call]:
        """What functions logged of the run, which may take a moment to be there."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while True:
            calls: list[Call] = []
            for function in self.stack.functions:
                file = Path(self.stack.logs_dir) / f"{function}.log"
                calls += read_calls(file.read_text().splitlines() if file.exists() else [], run_id, function)
            if len(calls) >= expected:
                return calls
            if time.monotonic() > deadline:
                raise RuntimeError(f"the logs tell of {len(calls)} calls, there were {expected}")
            time.sleep(_POLL_SECONDS)


def _superuser(stack: Stack) -> Any:
    settings = json.loads((Path(stack.data_dir) / "settings.json").read_text())
    connection = psycopg2.connect(
        stack.postgres_url, user="postgres", password=settings["postgres_password"], dbname="postgres"
    )
    connection.autocommit = True
    return connection


class Log:
    """A log that somebody writes, a little later than it happens. ``mark`` makes a name appear in it."""

    def __init__(self, file: Path, mark: Callable[[str], None]) -> None:
        self._stream, self._mark = file.open(), mark

    def lines(self) -> list[str]:
        """All since the last call."""
        lines: list[str] = []
        name, line = f"mark-{secrets.token_hex(8)}", ""
        self._mark(name)
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            line += (more := self._stream.readline())
            if line.endswith("\n"):
                if name in line:
                    return lines
                lines.append(line)
                line = ""
            elif not more:
                time.sleep(_POLL_SECONDS)
        raise RuntimeError(f"nothing more comes into {self._stream.name}")


def read_states(events: Iterable[dict[str, Any]]) -> Iterator[State]:
    """The states of an execution's history, in their order; at the top level they follow one another."""
    entered: dict[str, Any] = {}
    for event in events:
        if event["type"].endswith("StateEntered"):
            entered = event
        elif event["type"].endswith("StateExited"):
            kind = entered["type"].removesuffix("StateEntered")
            span = entered["timestamp"].timestamp(), event["timestamp"].timestamp()
            yield State(event["stateExitedEventDetails"]["name"], kind, span)


def read_calls(lines: Iterable[str], run_id: str, function: str) -> Iterator[Call]:
    """The calls that worked for the run, by the line that each task logs when it ends."""
    for line in lines:
        if run_id in line and line.startswith("{"):
            entry = json.loads(line)
            if "seconds" in entry:
                stop = datetime.strptime(entry["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z").timestamp()
                yield Call(function, (stop - entry["seconds"], stop))


def read_statements(lines: Iterable[str]) -> Iterator[str]:
    """Every statement that a client sent to Postgres, in lower case."""
    for line in lines:
        if found := re.search(r"LOG:  (?:statement|execute [^:]+): (.*)", line):
            yield found[1].lower()


def read_s3_requests(lines: Iterable[str], bucket: str) -> Iterator[str]:
    """Every request of an object as verb and kind, such as ``GET groups.bin``, and ``LIST``."""
    for line in lines:
        if found := re.search(rf"\] ([A-Z]+) /{re.escape(bucket)}(/\S*)? -> service=s3", line):
            verb, key = found[1], found[2]
            folder, _, name = (key or "").rpartition("/")
            if not name:
                yield "LIST"
            else:
                yield f"{verb} {'candidates' if folder.endswith('/candidates') else name}"


def covered(spans: Iterable[Span]) -> float:
    """Seconds in which at least one of the spans lasts."""
    seconds, reached = 0.0, float("-inf")
    for start, stop in sorted(spans):
        seconds += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return seconds


def by_state(states: list[State], calls: list[Call]) -> dict[str, dict[str, float]]:
    """Milliseconds of each state, and those of them in which a function was at work."""
    found: dict[str, dict[str, float]] = {}
    for name, kind, (entered, left) in states:
        if kind == "Choice":
            continue
        within = [call.span for call in calls if entered <= sum(call.span) / 2 <= left]
        row = found.setdefault(name, {"milliseconds": 0, "functions": 0})
        row["milliseconds"] += 1000 * (left - entered)
        row["functions"] += 1000 * covered(within)
    return found


def of_postgres(statements: list[str]) -> dict[str, Any]:
    """Transactions, statements in them, round trips of both, and how often which table is read or written."""
    around = ("begin", "commit", "rollback")
    inside = [text for text in statements if text.split()[0] not in around]
    tables = Counter(
        text.split()[0] + re.sub(r".*?\b(?:from|update|into)( \w+).*", r"\1", text) for text in inside
    )
    return {
        "transactions": sum(text.startswith(around[1:]) for text in statements),
        "statements": len(inside),
        "round_trips": len(statements),
        "tables": dict(sorted(tables.items())),
    }


def of_s3(requests: Counter[str]) -> dict[str, int]:
    """Requests by what they cost."""
    kinds = {"GET": "reads", "HEAD": "reads", "DELETE": "free"}
    found = {"writes": 0, "reads": 0, "free": 0}
    for request, count in requests.items():
        found[kinds.get(request.split()[0], "writes")] += count
    return found


def usd(transitions: int, calls: int, gb_seconds: float, s3: dict[str, int]) -> dict[str, float]:
    return {
        "transitions": transitions * prices.USD_A_TRANSITION,
        "functions": gb_seconds * prices.USD_A_GB_SECOND + calls * prices.USD_A_REQUEST,
        "s3": s3["writes"] * USD_A_WRITE + s3["reads"] * USD_A_READ,
    }
