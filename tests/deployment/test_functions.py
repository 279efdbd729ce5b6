"""The table of functions: what it names exists, is bounded, and starts light."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_config import REQUIRED

ROOT = Path(__file__).parents[2]
TABLE = yaml.safe_load((ROOT / "functions.yaml").read_text().replace("${CompareMemoryMb}", "3008"))
FUNCTIONS: dict[str, dict[str, Any]] = TABLE["functions"]

# What starts thousands of times, or for every client, must not pay for what it doesn't use.
HEAVY = {
    "numpy", "anonlink", "bitarray", "ijson", "pybase64", "phe", "gmpy2", "psycopg2", "redis", "yoyo", "yaml",
    "fastjsonschema", "aws_xray_sdk",
}  # fmt: skip
MAY_IMPORT = {
    "api": {"psycopg2", "redis"},
    "migrate": {"psycopg2", "yoyo"},
    "ingest": {"numpy", "psycopg2", "ijson", "pybase64", "redis"},
    "reject": {"psycopg2", "redis"},
    "fail": {"psycopg2", "redis"},
    "render": {"numpy", "psycopg2"},
    "compare": {"numpy", "anonlink", "bitarray", "redis"},
    "encrypt_mask": {"numpy", "phe", "gmpy2", "redis"},
    "purge": {"psycopg2", "redis"},
    "reconcile": {"psycopg2", "redis"},
}
LINKING = {"numpy", "anonlink", "bitarray", "psycopg2", "redis"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_exists(name):
    module, _, attribute = FUNCTIONS[name]["handler"].rpartition(".")

    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_imports_nothing_heavy_that_it_does_not_use(name):
    module = FUNCTIONS[name]["handler"].rpartition(".")[0]
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, **REQUIRED, "AWS_DEFAULT_REGION": "eu-west-1"}

    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    imported = set(json.loads(output.splitlines()[-1])) & HEAVY
    assert imported <= MAY_IMPORT.get(name, LINKING)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_keeps_within_lambda_s_limits(name):
    function = FUNCTIONS[name]

    assert 128 <= function["memory_mb"] <= 3008  # what a new account allows
    assert 1 <= function["timeout_seconds"] <= 900
    assert 512 <= function.get("ephemeral_storage_mb", 512) <= 10_240
    assert function["description"].endswith(".")


def statements() -> list[tuple[str, dict[str, Any]]]:
    owners = {**FUNCTIONS, **{f"role {name}": role for name, role in TABLE["roles"].items()}}
    return [(name, statement) for name, owner in owners.items() for statement in owner["policy"]]


@pytest.mark.parametrize(("owner", "statement"), statements())
def test_no_permission_is_for_everything(owner, statement):
    for action in statement["actions"]:
        assert "*" not in action, owner
    for resource in statement["resources"]:
        assert resource.startswith("${"), owner
        assert resource != "*"


def test_compare_may_reach_nothing_but_run_data():
    text = json.dumps(FUNCTIONS["compare"]["policy"])

    assert "UploadBucket" not in text
    assert not re.search(r"sts:|states:", text)


def test_every_setting_that_functions_get_is_one_that_the_service_reads():
    from chalicelib.config import Settings

    known = {field.upper() for field in Settings.__annotations__}
    powertools = {f"POWERTOOLS_{name}" for name in ("SERVICE_NAME", "LOG_LEVEL", "METRICS_NAMESPACE")}
    others = {"AWS_STS_REGIONAL_ENDPOINTS", *powertools}

    assert set(TABLE["environment"]) <= known | others
    assert set(REQUIRED) <= set(TABLE["environment"])
