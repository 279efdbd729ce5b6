"""Every upload route of the one party with every route of the other, by every result type.

All must give what anonlink's own pipeline gives of the same encodings. The projects of a row of the
matrix are linked side by side, which is also how the service is meant to be used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.integration import routes
from tests.integration.routes import Blocks
from tests.integration.service import Project, Service, admin_store, wait_until
from tests.oracle import anonlink_groups, anonlink_scores, as_sets, matches
from tests.unit.factories import linked_encodings

THRESHOLD = 0.8
RESULT_TYPES = ("groups", "similarity_scores", "permutations")
UNBLOCKED = tuple(routes.unblocked(None))  # type: ignore[arg-type]  # only the names
BLOCKED = tuple(routes.blocked(None))  # type: ignore[arg-type]
ROWS = [(False, name) for name in UNBLOCKED] + [(True, name) for name in BLOCKED]
NAMES = [f"{'blocked' if is_blocked else 'unblocked'} {name}" for is_blocked, name in ROWS]

DATASETS = linked_encodings(61, (40, 50))
# Several blocks, one, none; text of any kind; blocks of both parties and of one alone.
BLOCKS: list[Blocks] = [
    [
        [
            *(["everywhere"] if record % 3 else []),
            *(["Ähre 麦 \u2603 " + str(record % 4)] if record % 5 else []),
            *([f"only party {party}"] if record % 7 == 0 else []),
        ]
        for record in range(len(rows))
    ]
    for party, rows in enumerate(DATASETS)
]


@pytest.mark.parametrize("result_type", RESULT_TYPES)
@pytest.mark.parametrize(("is_blocked", "name"), ROWS, ids=NAMES)
def test_any_mix_of_routes_links_as_anonlink_does(linkage_service, stack, is_blocked, name, result_type):
    known = routes.blocked(stack) if is_blocked else routes.unblocked(stack)
    projects = []
    for other in known.values():
        project = linkage_service.create_project(result_type, uses_blocking=is_blocked)
        run_id = linkage_service.post_run(project, THRESHOLD)
        receipts = [
            upload(linkage_service, project, party, route) for party, route in enumerate((known[name], other))
        ]
        projects.append((project, run_id, receipts))

    for (project, run_id, receipts), other_name in zip(projects, known, strict=True):
        status = linkage_service.wait_for(project, run_id)
        assert status["state"] == "completed", (other_name, status)
        check = CHECKS[result_type]
        check(linkage_service, project, run_id, receipts, BLOCKS if is_blocked else None)


def upload(service: Service, project: Project, party: int, route: routes.Route) -> str:
    return route(service, project, party, DATASETS[party], BLOCKS[party])


def check_groups(
    service: Service, project: Project, run_id: str, _receipts: list[str], blocks: list[Blocks] | None
) -> None:
    groups = service.result(project, run_id)["groups"]
    assert as_sets(groups) == anonlink_groups(DATASETS, THRESHOLD, blocks)


def check_scores(
    service: Service, project: Project, run_id: str, _receipts: list[str], blocks: list[Blocks] | None
) -> None:
    scores = service.result(project, run_id)["similarity_scores"]
    assert scores == anonlink_scores(DATASETS, THRESHOLD, blocks)


def check_permutations(
    service: Service, project: Project, run_id: str, receipts: list[str], blocks: list[Blocks] | None
) -> None:
    mask = service.result(project, run_id)["mask"]
    answers = [service.result(project, run_id, receipt) for receipt in receipts]
    permutations = [answer["permutation"] for answer in answers]
    assert {answer["rows"] for answer in answers} == {len(mask)} == {min(map(len, DATASETS))}
    assert [sorted(places) for places in permutations] == [list(range(len(rows))) for rows in DATASETS]
    assert matches(mask, permutations) == anonlink_groups(DATASETS, THRESHOLD, blocks)


CHECKS = {"groups": check_groups, "similarity_scores": check_scores, "permutations": check_permutations}


@pytest.mark.parametrize("is_blocked", [False, True], ids=["unblocked", "blocked"])
def test_every_route_stores_the_same_bytes(linkage_service, stack, is_blocked):
    known = routes.blocked(stack) if is_blocked else routes.unblocked(stack)
    projects = {}
    for name, route in known.items():
        projects[name] = linkage_service.create_project(uses_blocking=is_blocked)
        upload(linkage_service, projects[name], 0, route)

    stored = {name: stored_files(stack, project) for name, project in projects.items()}

    expected = {"encodings.bin", "header.json", *(("rows.u32", "blocks.bin") if is_blocked else ())}
    first = stored[next(iter(known))]
    assert set(first) == expected
    assert {name: files == first for name, files in stored.items()} == dict.fromkeys(known, True)
    if not is_blocked:
        assert first["encodings.bin"] == np.ascontiguousarray(DATASETS[0]).tobytes()


@pytest.mark.parametrize("is_blocked", [False, True], ids=["unblocked", "blocked"])
def test_what_was_uploaded_is_gone_once_it_is_stored(linkage_service, stack, is_blocked):
    store = admin_store(stack)
    known = routes.blocked(stack) if is_blocked else routes.unblocked(stack)
    for route in known.values():
        project = linkage_service.create_project(uses_blocking=is_blocked)
        upload(linkage_service, project, 0, route)
        stored_files(stack, project)

        def left(project: Project = project) -> int:
            raw = store.list_objects_v2(Bucket=stack.upload_bucket, Prefix=project.project_id)
            bodies = store.list_objects_v2(
                Bucket=stack.data_bucket, Prefix=f"projects/{project.project_id}/uploads/"
            )
            return int(raw["KeyCount"] + bodies["KeyCount"])

        wait_until(lambda left=left: left() == 0)


def stored_files(stack: Any, project: Project) -> dict[str, bytes]:
    """The data set of a project of which one party has uploaded, by file name."""
    store = admin_store(stack)
    prefix = f"projects/{project.project_id}/datasets/"

    def keys() -> list[str]:
        listing = store.list_objects_v2(Bucket=stack.data_bucket, Prefix=prefix)
        return [entry["Key"] for entry in listing.get("Contents", ())]

    wait_until(lambda: any(key.endswith("header.json") for key in keys()))
    return {
        key.rpartition("/")[2]: store.get_object(Bucket=stack.data_bucket, Key=key)["Body"].read()
        for key in keys()
    }
