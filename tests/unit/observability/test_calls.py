from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.errors import Gone, NothingToReuse, PermanentError
from chalicelib.observability import count, identify, logger, observed
from chalicelib.workflow.task import task
from tests.unit.observability.conftest import CONTEXT


def test_every_line_of_a_call_carries_its_ids_also_from_other_threads(told):
    with observed("merge", CONTEXT, run_id="r1"), ThreadPoolExecutor(1) as pool:
        logger.info("before")
        identify(project_id="p1")
        pool.submit(logger.info, "deep").result()

    before, deep = told.lines
    ids = {"function": "merge", "function_request_id": CONTEXT.aws_request_id, "run_id": "r1"}
    assert before.items() >= ids.items()
    assert "project_id" not in before
    assert deep.items() >= (ids | {"project_id": "p1"}).items()


def test_a_warm_function_forgets_the_last_call_also_one_that_failed(told):
    def fail() -> None:
        count("RunsCompleted")
        raise KeyError

    with pytest.raises(KeyError), observed("plan", CONTEXT, run_id="r1"):
        fail()

    with observed("plan", None):
        logger.info("next")
        count("RunsCompleted")

    (line,) = told.lines
    _, metrics = told.metrics
    assert {"run_id", "function_request_id"}.isdisjoint(line)
    assert {"run_id", "function_request_id"}.isdisjoint(metrics)
    assert told.figures == {"RunsCompleted": [1.0, 1.0]}


def test_a_task_s_line_says_which_chunk_it_was(told):
    @task
    def compare(event):
        logger.info("deep")

    compare({"project_id": "p1", "run_id": "r1", "chunk": {"index": 0}}, CONTEXT)

    deep, line = told.lines
    assert [deep[name] for name in ("project_id", "run_id", "chunk")] == ["p1", "r1", 0]
    assert (line["message"], line["outcome"]) == ("compare", "done")
    assert line["seconds"] >= 0


def test_an_unforeseen_error_leaves_its_trace_with_the_ids_and_is_counted_by_function(told):
    @task
    def merge(event):
        raise KeyError("missing")

    with pytest.raises(KeyError):
        merge({"run_id": "r1"}, CONTEXT)

    (line,) = told.lines
    (metrics,) = told.metrics
    assert (line["level"], line["outcome"], line["run_id"]) == ("ERROR", "failed", "r1")
    assert "KeyError: 'missing'" in line["exception"]
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["service", "function"]]
    assert (metrics["function"], metrics["run_id"], metrics["UnforeseenErrors"]) == ("merge", "r1", [1.0])


@pytest.mark.parametrize("error", [Gone("deleted"), PermanentError("127 bytes"), NothingToReuse("gone")])
def test_a_foreseen_error_is_an_outcome_and_no_fault(told, error):
    @task
    def plan(event):
        raise error

    with pytest.raises(type(error)):
        plan({"run_id": "r1"}, CONTEXT)

    (line,) = told.lines
    assert (line["level"], line["outcome"]) == ("INFO", str(error))
    assert told.figures == {}
