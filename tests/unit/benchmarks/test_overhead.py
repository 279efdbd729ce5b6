"""What the parts of a stack tell of a run is read as it was meant, and the experiment counts it whole."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.__main__ import EXPERIMENTS, read, run
from benchmarks.runners import overhead
from benchmarks.runners.overhead import Call, Log, State
from benchmarks.tables import table

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
RUN = "5f" * 24


def event(kind: str, milliseconds: int, name: str = "") -> dict:
    details = {"stateExitedEventDetails": {"name": name}} if kind.endswith("Exited") else {}
    return {"type": kind, "timestamp": START + timedelta(milliseconds=milliseconds), **details}


def test_states_are_what_lies_between_being_entered_and_left():
    history = [
        event("ExecutionStarted", 0),
        event("TaskStateEntered", 5),
        event("TaskScheduled", 6),
        event("TaskSucceeded", 20),
        event("TaskStateExited", 21, "Plan"),
        event("ChoiceStateEntered", 21),
        event("ChoiceStateExited", 22, "IsSmall"),
        event("MapStateEntered", 22),
        event("MapStateExited", 90, "Compare"),
        event("ExecutionSucceeded", 90),
    ]
    found = list(overhead.read_states(history))

    assert [state[:2] for state in found] == [("Plan", "Task"), ("IsSmall", "Choice"), ("Compare", "Map")]
    since = START.timestamp()
    assert [[round(1000 * (at - since)) for at in state.span] for state in found] == [
        [5, 21],
        [21, 22],
        [22, 90],
    ]


def test_calls_are_the_lines_of_tasks_that_worked_for_the_run():
    def logged(**fields: object) -> str:
        return json.dumps({"timestamp": "2026-03-01 09:00:01,500+0000", "run_id": RUN, **fields})

    lines = [
        logged(message="plan", seconds=0.25),
        logged(message="plan", seconds=0.25, run_id="00" * 24),
        logged(message="a charge failed"),
        f"REPORT RequestId: {RUN} Duration: 40 ms ok",
    ]

    assert list(overhead.read_calls(lines, RUN, "plan")) == [
        Call("plan", (START.timestamp() + 1.25, START.timestamp() + 1.5))
    ]


def test_statements_of_postgres_are_counted_by_transaction_and_table():
    lines = [
        "2026-03-01 09:00:00.001 UTC [27] LOG:  statement: BEGIN\n",
        "2026-03-01 09:00:00.002 UTC [27] LOG:  statement: select r.state from runs r where run_id = '1'\n",
        "2026-03-01 09:00:00.003 UTC [27] LOG:  statement: COMMIT\n",
        "2026-03-01 09:00:00.004 UTC [27] LOG:  statement: BEGIN\n",
        "2026-03-01 09:00:00.005 UTC [27] LOG:  statement: UPDATE runs r set x = 1 where (select from y)\n",
        "2026-03-01 09:00:00.006 UTC [27] LOG:  statement: insert into deletions select x from runs\n",
        "2026-03-01 09:00:00.007 UTC [27] LOG:  statement: ROLLBACK\n",
        "2026-03-01 09:00:00.008 UTC [27] ERROR:  deadlock detected\n",
        "\tand a second line\n",
    ]
    statements = list(overhead.read_statements(lines))

    assert statements[0] == "begin"
    assert overhead.of_postgres(statements) == {
        "transactions": 2,
        "statements": 3,
        "round_trips": 7,
        "tables": {"insert deletions": 1, "select runs": 1, "update runs": 1},
    }


def test_requests_to_s3_are_counted_by_verb_and_kind_and_priced_by_class():
    project = "/anonlink-data/projects/1/runs/2"
    lines = [
        f"2026-03-01 DEBUG [ministack] GET {project}/groups.bin -> service=s3 region=us-east-1\n",
        f"2026-03-01 DEBUG [ministack] GET {project}/groups.bin -> service=s3 region=us-east-1\n",
        f"2026-03-01 DEBUG [ministack] HEAD {project}/candidates/0-1.bin -> service=s3 region=us-east-1\n",
        f"2026-03-01 DEBUG [ministack] PUT {project}/candidates/0-1.bin -> service=s3 region=us-east-1\n",
        f"2026-03-01 DEBUG [ministack] DELETE {project}/manifest.jsonl -> service=s3 region=us-east-1\n",
        "2026-03-01 DEBUG [ministack] GET /anonlink-data -> service=s3 region=us-east-1\n",
        "2026-03-01 DEBUG [ministack] PUT /anonlink-uploads/3 -> service=s3 region=us-east-1\n",
        "2026-03-01 DEBUG [ministack] POST / -> service=states region=us-east-1\n",
    ]
    requests = Counter(overhead.read_s3_requests(lines, "anonlink-data"))

    assert requests == {
        "GET groups.bin": 2,
        "HEAD candidates": 1,
        "PUT candidates": 1,
        "DELETE manifest.jsonl": 1,
        "LIST": 1,
    }
    assert overhead.of_s3(requests) == {"writes": 2, "reads": 3, "free": 1}
    assert overhead.usd(3, 2, 4, overhead.of_s3(requests)) == pytest.approx(
        {"transitions": 0.000075, "functions": 0.0000670668, "s3": 0.0000112}
    )


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(1, 2)], 1),
        ([(4, 6), (1, 2)], 3),
        ([(1, 3), (2, 4)], 3),
        ([(1, 9), (2, 3), (8, 10)], 9),
    ],
    ids=["none", "one", "apart", "overlapping", "one within another"],
)
def test_covered_time_counts_once_what_several_calls_share(spans, seconds):
    assert overhead.covered(spans) == seconds


def test_a_states_calls_are_those_in_its_time():
    states = [
        State("Plan", "Task", (0, 2)),
        State("IsSmall", "Choice", (2, 2)),
        State("Compare", "Map", (2, 9)),
    ]
    calls = [Call("plan", (0.5, 2)), Call("compare", (2, 6)), Call("compare", (3, 8))]

    assert overhead.by_state(states, calls) == {
        "Plan": {"milliseconds": 2000, "functions": 1500},
        "Compare": {"milliseconds": 7000, "functions": 6000},
    }


def test_lines_of_a_log_are_those_before_the_mark_also_when_they_come_late(tmp_path):
    file = tmp_path / "log"
    file.write_text("a\nb\n")
    later = iter(["a line\n", "c\n"])

    def write(text: str) -> None:
        with file.open("a") as stream:
            stream.write(text)

    def mark(name: str) -> None:
        write("half ")
        threading.Timer(0.1, write, [f"{next(later)}mark {name}\nafter\n"]).start()

    log = Log(file, mark)

    assert log.lines() == ["a\n", "b\n", "half a line\n"]
    assert log.lines() == ["after\n", "half c\n"]


@pytest.mark.slow
def test_a_small_run_is_counted_whole():
    experiment = read(EXPERIMENTS / "overhead.json") | {
        "cases": [{"records": 100, "threshold": 0.8, "repetitions": 2}]
    }
    (row,) = run(experiment)

    assert row["transitions"] == 3
    assert row["calls"] == {"plan": 1, "link_small": 1}
    assert row["s3_requests"]["PUT result.json"] == 1
    assert row["postgres"]["tables"]["insert runs"] == 1
    assert row["postgres"]["transactions"] <= row["postgres"]["statements"]
    assert row["redis"] > 0
    assert min(row["milliseconds"].values()) > 0
    assert list(row["states"]) == ["Plan", "LinkSmall"]
    assert len(table("overhead", {"experiments": {"overhead": {"rows": [row]}}}).splitlines()) == 7
