"""The state machines are valid Amazon States Language: nothing else would say so before AWS does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "stepfunctions").glob("*.asl.json"))
TABLE = yaml.safe_load((ROOT / "functions.yaml").read_text().replace("${CompareMemoryMb}", "3008"))

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])


def rendered(path: Path) -> dict[str, Any]:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        fixed = {"Partition": "aws", "CompareConcurrency": "100"}
        return fixed.get(name, f"arn:aws:lambda:eu-west-1:123456789012:function:{name}")

    return json.loads(re.sub(r"\$\{(\w+)\}", value, path.read_text()))


def successors(state: dict[str, Any]) -> set[str]:
    names = {state[key] for key in ("Next", "Default") if key in state}
    names |= {choice["Next"] for choice in state.get("Choices", ())}
    return names | {catcher["Next"] for catcher in state.get("Catch", ())}


def all_states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    states = dict(machine["States"])
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            states |= all_states(state["ItemProcessor"])
    return states


def tasks(path: Path) -> dict[str, dict[str, Any]]:
    return {name: state for name, state in all_states(rendered(path)).items() if state["Type"] == "Task"}


def test_it_keeps_to_the_schema_of_the_language(path):
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": rendered(path)},
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}

    assert [f"{found.rule.id} {found.message} {found.path}" for found in lint(json.dumps(template))] == []


def test_every_state_can_be_reached_and_every_next_exists(path):
    machine = rendered(path)
    reached, frontier = set(), {machine["StartAt"]}
    while frontier:
        reached |= frontier
        frontier = set().union(*(successors(machine["States"][name]) for name in frontier)) - reached

    assert reached == set(machine["States"])


def test_every_task_is_retried_with_growing_jittered_pauses(path):
    for name, state in tasks(path).items():
        last = state["Retry"][-1]
        assert last["ErrorEquals"] == ["States.ALL"], name
        assert last["BackoffRate"] > 1, name
        assert last["JitterStrategy"] == "FULL", name


def test_what_no_retry_mends_is_not_retried(path):
    failing = {"Fail", "Reject", "Purge"}  # these have no permanent errors
    for name, state in tasks(path).items():
        if name not in failing:
            first = state["Retry"][0]
            assert {"PermanentError", "Gone"} <= set(first["ErrorEquals"]), name
            assert first["MaxAttempts"] == 0, name
            caught_by_name = {error for clause in state.get("Catch", ()) for error in clause["ErrorEquals"]}
            assert caught_by_name - {"States.ALL"} <= set(first["ErrorEquals"]), name


def test_every_failure_is_caught_and_recorded(path):
    machine = rendered(path)
    recorders = {"Fail", "Reject"} & set(machine["States"])
    for name, state in machine["States"].items():
        if state["Type"] in ("Task", "Map") and recorders and name not in recorders:
            catcher = state["Catch"][-1]
            assert catcher["ErrorEquals"] == ["States.ALL"], name
            assert catcher["Next"] in recorders, name


def test_it_calls_the_functions_that_the_table_says(path):
    called = set(re.findall(r"\$\{(\w+)FunctionArn\}", path.read_text()))
    named = {
        "".join(map(str.capitalize, name.split("_")))
        for name in TABLE["state_machines"][path.name.split(".")[0]]
    }

    assert called == named
