"""What is counted is written by the rules of CloudWatch's embedded metric format."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chalicelib.observability import METRICS, count, observed
from tests.unit.observability.conftest import CONTEXT

_SIZES = [f"{prefix}{unit}" for prefix in ("", "Kilo", "Mega", "Giga", "Tera") for unit in ("bytes", "bits")]
_AMOUNTS = ["Count", *(size.capitalize() for size in _SIZES)]
UNITS = {*_AMOUNTS, *(f"{amount}/Second" for amount in _AMOUNTS), "Percent", "None"}
UNITS |= {"Seconds", "Milliseconds", "Microseconds"}
LIMIT_BYTES = 256 * 1024


def faults(line: dict[str, Any]) -> list[str]:
    """Against which rules of the specification a line is."""
    found = []
    if abs(line["_aws"]["Timestamp"] - time.time() * 1000) > 60_000:
        found.append("timestamp")
    if len(json.dumps(line).encode()) > LIMIT_BYTES:
        found.append("size")
    for directive in line["_aws"]["CloudWatchMetrics"]:
        if not 1 <= len(directive["Namespace"]) <= 1024:
            found.append("namespace")
        if not 1 <= len(directive["Metrics"]) <= 100:
            found.append("number of metrics")
        for dimensions in directive["Dimensions"]:
            if len(dimensions) > 30:
                found.append("number of dimensions")
            found += [f"dimension {name}" for name in dimensions if not isinstance(line.get(name), str)]
        for metric in directive["Metrics"]:
            values = line[metric["Name"]]
            if metric["Unit"] not in UNITS:
                found.append("unit")
            if not 1 <= len(values) <= 100 or not all(isinstance(value, float) for value in values):
                found.append("values")
    return found


def test_all_metrics_at_once_are_valid_and_carry_ids_as_properties_only(told):
    with observed("compare", CONTEXT, project_id="p1", run_id="r1", chunk=3):
        for name in METRICS:
            count(name, 0.5)
        count("UnforeseenErrors", function="compare")

    lines = told.metrics
    assert len(lines) == 2
    assert [faults(line) for line in lines] == [[], []]
    assert {
        name for line in lines for each in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for name in each
    } == {
        "service",
        "function",
    }
    assert all((line["run_id"], line["chunk"], line["service"]) == ("r1", 3, "stack") for line in lines)
    assert set(told.figures) == set(METRICS)


def test_more_values_than_a_line_may_have_are_spread_over_lines(told):
    with observed("reconcile", CONTEXT):
        for value in range(250):
            count("RunCost", value)

    assert [faults(line) for line in told.metrics] == [[], [], []]
    assert told.figures["RunCost"] == [float(value) for value in range(250)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("Unheard", 1), ("RunCost", float("nan")), ("RunCost", float("inf")), ("RunCost", "much")],
)
def test_what_cannot_be_counted_is_logged_and_harms_nothing(told, name, value):
    with observed("reconcile", CONTEXT):
        count(name, value)
        count("RunsCompleted")

    (line,) = told.lines
    assert (line["message"], line["metric"]) == ("a metric was lost", name)
    assert told.figures == {"RunsCompleted": [1.0]}


def test_a_call_that_counts_nothing_writes_nothing(told):
    with observed("api", CONTEXT):
        pass

    assert told.text == ""


def test_without_a_namespace_there_are_no_metrics(told, monkeypatch):
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")

    with observed("reconcile", CONTEXT):
        count("RunsCompleted")

    assert told.text == ""
