"""A run's status: its stages, and that it never goes backwards."""

from __future__ import annotations

import pytest

from tests.contract.patience import looks
from tests.contract.service import FORMATS
from tests.unit.factories import linked_encodings

ROWS = linked_encodings(57, (40, 45))
STAGES = ["waiting for CLKs", "compute similarity scores", "compute output"]


@pytest.mark.parametrize(
    ("result_type", "stages"), [("groups", 3), ("similarity_scores", 2), ("permutations", 3)]
)
def test_a_run_that_waits_for_data_counts_the_parties(linkage_service, result_type, stages):
    project = linkage_service.create_project(result_type)
    run_id = linkage_service.post_run(project, 0.9)

    for contributed in (0, 1):
        status = linkage_service.status(project, run_id)
        assert (status["state"], status["stages"], status["time_started"]) == ("created", stages, None)
        assert "time_completed" not in status
        stage = status["current_stage"]
        assert (stage["number"], stage["description"]) == (1, STAGES[0])
        assert stage["progress"]["absolute"] == contributed
        assert stage["progress"]["relative"] == contributed / 2
        linkage_service.upload_binary(project, contributed, ROWS[contributed])


@pytest.mark.parametrize("result_type", ["groups", "similarity_scores", "permutations"])
def test_a_completed_run_tells_its_times_and_comparisons(linkage_service, result_type):
    project = linkage_service.project_with(ROWS, result_type)
    status = linkage_service.wait_for(project, linkage_service.post_run(project, 0.9))

    assert status["state"] == "completed"
    assert status["total_number_comparisons"] == 40 * 45
    times = [status[name] for name in ("time_added", "time_started", "time_completed")]
    assert all(FORMATS["time"].fullmatch(time) for time in times)
    assert times == sorted(times)
    assert status["current_stage"]["number"] == status["stages"]
    assert status["current_stage"]["description"] == STAGES[status["stages"] - 1]
    assert status["eta_seconds"] == 0


def test_stage_and_progress_never_go_backwards(linkage_service):
    project = linkage_service.project_with(linked_encodings(58, (9000, 9000)))
    run_id = linkage_service.post_run(project, 0.8)
    seen = []
    for _ in looks():
        seen.append(linkage_service.status(project, run_id))
        if seen[-1]["state"] in ("completed", "error"):
            break

    order = ["created", "queued", "running", "completed"]
    states = [order.index(status["state"]) for status in seen]
    stages = [
        (status["current_stage"]["number"], status["current_stage"].get("progress", {}).get("relative", 0))
        for status in seen
    ]
    assert states == sorted(states)
    assert stages == sorted(stages)


def test_two_parties_without_a_common_block_complete_with_nothing(linkage_service):
    project = linkage_service.create_project(uses_blocking=True)
    for party, rows in enumerate(ROWS):
        linkage_service.upload_blocked(project, party, rows, [[f"only {party}"]] * len(rows))
    run_id = linkage_service.post_run(project, 0.9)

    status = linkage_service.wait_for(project, run_id)

    assert (status["state"], status["total_number_comparisons"]) == ("completed", 0)
    assert linkage_service.result(project, run_id) == {"groups": []}
