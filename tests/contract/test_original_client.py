"""The Anonlink Entity Service's own command line client, as it was released, against this service."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracle import anonlink_groups, anonlink_scores, as_sets, matches
from tests.unit.factories import linked_encodings

CLIENT = Path(sys.prefix) / "original-client" / "bin" / "anonlink"
SCHEMA = Path(__file__).parents[2] / "demo" / "schema.json"
THRESHOLD = 0.8
Client = Callable[..., Any]


@pytest.fixture
def client(linkage_service, tmp_path) -> Client:
    """Call ``anonlink <command> <arguments>`` against the service; its JSON output, or what it says."""
    assert CLIENT.exists(), "run `make setup-dev`"

    def call(command: str, *arguments: object, output: str | None = "output.json") -> Any:
        words = [str(CLIENT), command, *map(str, arguments), "--server", linkage_service.base_url]
        target = tmp_path / (output or "")
        if output:
            words += ["--output", str(target)]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(target.read_text()) if output else done.stdout + done.stderr

    return call


@pytest.fixture
def files(tmp_path) -> Callable[..., Path]:
    def write(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return write


def clks_of(rows: np.ndarray) -> dict[str, list[str]]:
    return {"clks": [base64.b64encode(row.tobytes()).decode() for row in rows]}


def blocks_of(blocks: list[list[str]]) -> dict[str, Any]:
    """As blocklib's command writes them."""
    return {
        "meta": {"source": {"clk_count": [len(blocks)]}},
        "blocks": {str(record): names for record, names in enumerate(blocks)},
    }


def create_project(client: Client, files: Callable[..., Path], result_type: str, *options: str) -> Any:
    schema = files("schema.json", json.loads(SCHEMA.read_text()))
    return client("create-project", "--type", result_type, "--schema", schema, "--name", "clinic", *options)


def link(client: Client, project: Any, token: str | None = None) -> tuple[str, Any]:
    access = ("--project", project["project_id"], "--apikey", project["result_token"])
    run_id = client("create", *access, "--name", "first", "--threshold", THRESHOLD)["run_id"]
    return run_id, results(client, project, run_id, project["result_token"])


def results(client: Client, project: Any, run_id: str, token: str) -> Any:
    access = ("--project", project["project_id"], "--apikey", token)
    return client("results", "--watch", "--run", run_id, *access)


def upload(client: Client, project: Any, party: int, *arguments: object) -> str:
    access = ("--project", project["project_id"], "--apikey", project["update_tokens"][party])
    answer = client("upload", *arguments, *access)
    assert answer["message"] == "Updated"
    return answer["receipt_token"]


@pytest.mark.parametrize("route", [(), ("--to_entityservice",)], ids=["object store", "API"])
def test_it_links_two_data_sets_and_deletes_what_it_made(client, files, linkage_service, route):
    datasets = linked_encodings(51, (60, 70))
    project = create_project(client, files, "groups")
    for party, rows in enumerate(datasets):
        upload(client, project, party, files(f"{party}.json", clks_of(rows)), *route)

    run_id, result = link(client, project)

    assert as_sets(result["groups"]) == anonlink_groups(datasets, THRESHOLD)
    access = ("--project", project["project_id"], "--apikey", project["result_token"])
    assert "Run deleted" in client("delete", "--run", run_id, *access, output=None)
    assert "Project deleted" in client("delete-project", *access, output=None)
    path = f"/projects/{project['project_id']}"
    assert linkage_service.call("GET", path, project["result_token"]).status_code == 403


@pytest.mark.parametrize("route", [(), ("--to_entityservice",)], ids=["object store", "API"])
def test_it_links_with_blocks(client, files, route):
    datasets = linked_encodings(52, (60, 70))
    blocks = [[["north", f"block {record % 7}"] for record in range(len(rows))] for rows in datasets]
    for names in blocks:
        for record in range(0, len(names), 2):
            names[record] = names[record][1:]
    project = create_project(client, files, "similarity_scores", "--blocked")
    for party, rows in enumerate(datasets):
        block_file = files(f"{party}-blocks.json", blocks_of(blocks[party]))
        upload(client, project, party, files(f"{party}.json", clks_of(rows)), "--blocks", block_file, *route)

    _, result = link(client, project)

    assert result["similarity_scores"] == anonlink_scores(datasets, THRESHOLD, blocks)


def test_its_parties_fetch_permutations_with_their_receipts(client, files):
    datasets = linked_encodings(53, (60, 70))
    project = create_project(client, files, "permutations")
    receipts = [
        upload(client, project, party, files(f"{party}.json", clks_of(rows)))
        for party, rows in enumerate(datasets)
    ]

    run_id, result = link(client, project)
    permutations = [results(client, project, run_id, receipt) for receipt in receipts]

    assert {answer["rows"] for answer in permutations} == {60}
    assert matches(result["mask"], [answer["permutation"] for answer in permutations]) == anonlink_groups(
        datasets, THRESHOLD
    )


def test_it_tells_the_service_s_status(client):
    assert client("status")["status"] == "ok"
