"""The link state machine's solve, with more pairs than fit in its memory and with less."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.errors import PermanentError
from chalicelib.linkage import rendering, solving, solving_apart
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, sort_candidates, to_bytes
from chalicelib.linkage.merging import without_repeats
from chalicelib.linkage.solving import PairBytes
from chalicelib.storage import layout, objects, runs
from chalicelib.workflow import output, result_files
from chalicelib.workflow.output import solve
from tests.unit.factories import ready_project

pytestmark = pytest.mark.usefixtures("service")

COUNTS = (90, 90, 90)
FAMILIES = 30  # each of three records in every data set; pairs are within families
APART = 10  # bytes a pair


@pytest.fixture
def merged() -> tuple[runs.Run, np.ndarray]:
    """A run whose pairs are merged, and these."""
    run = runs.create(ready_project(COUNTS), threshold=0.5, name="", notes="")
    runs.queue_ready(run.project_id)
    runs.begin(run.run_id, 3 * 90 * 90, 1)
    random = np.random.default_rng(5)
    pairs = np.zeros(500, dtype=CANDIDATE_DTYPE)
    pairs["dataset_a"] = random.integers(0, 2, len(pairs))
    pairs["dataset_b"] = random.integers(pairs["dataset_a"] + 1, 3)
    family = random.integers(0, FAMILIES, len(pairs))
    for field in ("record_a", "record_b"):
        # A family's records are far apart, so that groups of one portion are between those of others.
        pairs[field] = family + random.integers(0, 3, len(pairs)) * FAMILIES
    pairs["score"] = 0.5 + (pairs["record_a"] + pairs["record_b"]) % 4 / 10
    pairs = without_repeats(sort_candidates(pairs))
    objects.put("data", layout.merged(run.project_id, run.run_id), b"".join(to_bytes([pairs])))
    return runs.find(run.run_id), pairs


@pytest.fixture
def memory_for(monkeypatch):
    """Let there be memory for so many pairs at a time, and of pairs that hang together take so many bytes."""

    def limit(most_pairs: int, together: int = APART) -> None:
        room = sum(COUNTS) + most_pairs * APART
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1")
        monkeypatch.setattr(output, "OWN_BYTES", 2**20 - room)
        monkeypatch.setattr(output, "_MOST_PORTIONS", 1_000)
        monkeypatch.setattr(solving_apart, "BYTES_A_RECORD", 1)
        monkeypatch.setattr(solving, "bytes_a_pair", lambda datasets: PairBytes(APART, together))

    return limit


@pytest.mark.parametrize("most_pairs", [30, 60, 150])
def test_groups_solved_in_portions_are_byte_for_byte_those_solved_whole(
    merged, memory_for, monkeypatch, most_pairs
):
    run, pairs = merged
    memory_for(most_pairs)
    monkeypatch.setattr(result_files, "WINDOW_PAIRS", 64)

    with monkeypatch.context() as patched:
        patched.setattr(objects, "get", None)  # reads whole objects
        solve({"run_id": run.run_id}, None)

    assert groups_of(run) == rendering.groups_to_bytes(solving.solve_groups(pairs))
    assert runs.find(run.run_id).time_solved is not None


def test_pairs_that_fit_in_memory_are_read_once(merged, monkeypatch):
    run, pairs = merged
    monkeypatch.setattr(solving_apart, "solve_apart", None)

    solve({"run_id": run.run_id}, None)

    assert groups_of(run) == rendering.groups_to_bytes(solving.solve_groups(pairs))


def test_a_component_larger_than_a_portion_is_solved_if_it_alone_fits(merged, memory_for):
    run, pairs = merged
    memory_for(largest_component(pairs) - 1, together=APART - 1)

    solve({"run_id": run.run_id}, None)

    assert groups_of(run) == rendering.groups_to_bytes(solving.solve_groups(pairs))


def test_a_component_larger_than_memory_ends_the_run_with_a_remedy(merged, memory_for):
    run, pairs = merged
    memory_for(largest_component(pairs) - 1, together=APART)

    with pytest.raises(PermanentError, match="A higher threshold makes fewer"):
        solve({"run_id": run.run_id}, None)

    assert not objects.exists("data", layout.groups(run.project_id, run.run_id))


def test_too_many_portions_end_the_run_with_a_remedy(merged, memory_for, monkeypatch):
    run, _ = merged
    memory_for(30)
    monkeypatch.setattr(output, "_MOST_PORTIONS", 5)
    monkeypatch.setattr(solving_apart, "solve_apart", None)

    with pytest.raises(PermanentError, match="A higher threshold makes fewer"):
        solve({"run_id": run.run_id}, None)


def test_running_out_of_memory_is_not_tried_again(merged, monkeypatch):
    run, _ = merged

    def run_out(_pairs):
        raise MemoryError("the kernel ran out of memory")

    monkeypatch.setattr(solving, "solve_groups", run_out)

    with pytest.raises(PermanentError, match="A higher threshold makes fewer"):
        solve({"run_id": run.run_id}, None)


def largest_component(pairs: np.ndarray) -> int:
    return int(np.bincount(pairs["record_a"] % FAMILIES).max())


def groups_of(run: runs.Run) -> bytes:
    return objects.get("data", layout.groups(run.project_id, run.run_id))
