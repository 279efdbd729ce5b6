"""Permutations, from groups that are there to what is delivered."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.errors import Gone
from chalicelib.linkage import rendering
from chalicelib.storage import deleted_runs, layout, objects, projects, runs
from chalicelib.workflow import permuting
from chalicelib.workflow.output import complete
from chalicelib.workflow.permuting import permute
from tests.groups import as_groups
from tests.unit.factories import ready_project

pytestmark = pytest.mark.usefixtures("service")

GROUPS = [[(0, 1), (1, 3)], [(0, 4), (1, 0)]]


@pytest.fixture
def solved() -> runs.Run:
    """A run of 5 and 7 records, with two matches."""
    project_id = ready_project((5, 7), "permutations")
    run = runs.create(project_id, threshold=0.5, name="", notes="")
    runs.queue_ready(project_id)
    runs.begin(run.run_id, 35, 1)
    runs.record_compared(run.run_id)
    runs.record_merged(run.run_id, 2)
    objects.put("data", layout.groups(project_id, run.run_id), rendering.groups_to_bytes(as_groups(GROUPS)))
    objects.put("data", layout.merged(project_id, run.run_id), b"pairs")
    objects.put("data", layout.candidates(project_id, run.run_id, (0, 0, 5), (1, 0, 7)), b"pairs")
    return runs.find(run.run_id)


def delivered(run: runs.Run) -> tuple[dict, dict, dict]:
    keys = [layout.result(run.project_id, run.run_id)]
    keys += [layout.permutation_result(run.project_id, run.run_id, i) for i in (0, 1)]
    owner, first, second = (json.loads(objects.get("data", key)) for key in keys)
    return owner, first, second


def call(state, run: runs.Run) -> None:
    state({"run_id": run.run_id}, None)


def names(run: runs.Run) -> list[str]:
    prefix = layout.run_prefix(run.project_id, run.run_id)
    return [key.removeprefix(prefix) for key in objects.list_keys("data", prefix)]


def test_each_party_gets_its_permutation_and_the_owner_the_mask(solved):
    call(permute, solved)
    call(complete, solved)

    owner, first, second = delivered(solved)
    assert sorted(first["permutation"]) == list(range(5))
    assert sorted(second["permutation"]) == list(range(7))
    assert (first["rows"], second["rows"], len(owner["mask"])) == (5, 5, 5)
    assert sum(owner["mask"]) == len(GROUPS)
    for (_, record_a), (_, record_b) in GROUPS:
        position = first["permutation"][record_a]
        assert second["permutation"][record_b] == position
        assert owner["mask"][position] == 1


def test_completing_draws_the_permutations_where_no_state_of_its_own_has(solved):
    call(complete, solved)

    assert sum(delivered(solved)[0]["mask"]) == len(GROUPS)
    assert runs.find(solved.run_id).time_permuted is not None


def test_of_a_completed_run_nothing_is_left_that_tells_the_matches(solved):
    call(permute, solved)
    call(complete, solved)

    assert names(solved) == ["permutation-0.json", "permutation-1.json", "permutation.bin", "result.json"]


def test_a_state_that_runs_again_changes_nothing(solved, monkeypatch):
    call(permute, solved)
    before = objects.get("data", layout.permutation(solved.project_id, solved.run_id))
    call(permute, solved)
    # Killed just before the run was completed: the groups are gone already.
    monkeypatch.setattr(runs, "complete", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(complete, solved)
    results = delivered(solved)
    monkeypatch.undo()
    call(permute, solved)
    call(complete, solved)

    assert objects.get("data", layout.permutation(solved.project_id, solved.run_id)) == before
    assert delivered(solved) == results
    assert runs.find(solved.run_id).state == "completed"


def test_of_calls_at_once_one_writes_and_all_use_what_it_wrote(solved, monkeypatch):
    monkeypatch.setattr(objects, "exists", lambda *_: False)
    monkeypatch.setattr(runs, "record_permuted", lambda *_: None)
    written: list[bool] = []
    put_new = objects.put_new
    monkeypatch.setattr(objects, "put_new", lambda *call: written.append(put_new(*call)))
    project, datasets = projects.find(solved.project_id), projects.datasets(solved.project_id)
    monkeypatch.setattr(projects, "datasets", lambda _: datasets)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: permuting.draw_permutations(solved, project), range(4)))

    assert sorted(written) == [False, False, False, True]


def test_two_runs_are_permuted_differently():
    project_id = ready_project((200, 300), "permutations")
    found = []
    for _ in range(2):
        run = runs.create(project_id, threshold=0.5, name="", notes="")
        runs.queue_ready(project_id)
        runs.begin(run.run_id, 60_000, 1)
        runs.record_compared(run.run_id)
        runs.record_merged(run.run_id, 0)
        objects.put("data", layout.groups(project_id, run.run_id), rendering.groups_to_bytes(as_groups([])))
        call(complete, run)
        found.append(delivered(run)[1]["permutation"])

    assert found[0] != found[1]


@pytest.mark.parametrize("state", [permute, complete])
def test_a_run_deleted_meanwhile_is_left_without_permutations(solved, state, monkeypatch):
    put_new = objects.put_new

    def deleted_while_writing(*call):
        deleted_runs.mark(solved.run_id)
        return put_new(*call)

    monkeypatch.setattr(objects, "put_new", deleted_while_writing)

    with pytest.raises(Gone):
        call(state, solved)

    assert layout.permutation(solved.project_id, solved.run_id) not in names(solved)
    assert not any("permutation" in name or "result" in name for name in names(solved))
