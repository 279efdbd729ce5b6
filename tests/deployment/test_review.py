"""The Terraform files as checkov reviews them: nothing fails, and what is skipped has its reason beside it.

checkov needs an environment of its own, ``.venv/checkov``:

    python -m venv .venv/checkov && .venv/checkov/bin/pip install -r tests/checkov.txt
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHECKOV = ROOT / ".venv/checkov/bin/checkov"

pytestmark = pytest.mark.skipif(
    not CHECKOV.exists(), reason="checkov is not here; this file's first lines say how to get it"
)


@pytest.fixture(scope="module")
def results() -> dict[str, list[dict[str, Any]]]:
    # It must not ask anybody else about our files.
    arguments = ["--directory", "terraform", "--framework", "terraform", "--skip-path", "tests"]
    quietly = ["--skip-download", "--compact", "--output", "json", "--soft-fail"]
    done = subprocess.run(
        [CHECKOV, *arguments, *quietly],
        cwd=ROOT,
        env={**os.environ, "HCL_PARSE_TIMEOUT_SEC": "120"},  # a file of ten seconds is left out, else
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout)["results"]


def test_it_finds_nothing(results):
    assert len(results["passed_checks"]) > 100
    assert [_place(check) for check in results["failed_checks"]] == []
    assert results["parsing_errors"] == []


def test_whatever_is_skipped_has_its_reason(results):
    skipped = results["skipped_checks"]

    assert skipped
    assert [_place(check) for check in skipped if not _reason(check).count(" ")] == []


def _reason(check: dict[str, Any]) -> str:
    reason = str(check["check_result"]["suppress_comment"])
    return "" if reason == "No comment provided" else reason


def _place(check: dict[str, Any]) -> str:
    return f"{check['file_path']} {check['resource']}: {check['check_id']} {check['check_name']}"
