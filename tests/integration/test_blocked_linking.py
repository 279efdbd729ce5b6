"""A blocked run too large for one invocation, in the whole service; small ones are in the upload matrix."""

from __future__ import annotations

from tests.integration import routes
from tests.oracle import anonlink_scores, block_comparisons
from tests.unit.factories import linked_encodings

THRESHOLD = 0.85


def test_a_large_block_and_many_small_ones_in_chunks_give_anonlinks_scores(linkage_service):
    datasets = linked_encodings(71, (6_000, 5_800))
    blocks = [
        [
            [*(["large"] if record < 4_800 else []), *([f"pair {record // 2}"] if record > 4_000 else [])]
            for record in range(len(rows))
        ]
        for rows in datasets
    ]
    project = linkage_service.create_project("similarity_scores", uses_blocking=True)
    run_id = linkage_service.post_run(project, THRESHOLD)
    for party, (rows, of_party) in enumerate(zip(datasets, blocks, strict=True)):
        routes.clknblocks(linkage_service, project, party, rows, of_party)

    status = linkage_service.wait_for(project, run_id)

    assert status["state"] == "completed", status
    assert status["total_number_comparisons"] == block_comparisons(blocks)
    scores = linkage_service.result(project, run_id)["similarity_scores"]
    assert scores == anonlink_scores(datasets, THRESHOLD, blocks)
