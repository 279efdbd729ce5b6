"""A cold start is what a client waits for: the API must not bring what only the tasks need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROGRAM = "import sys; from {module} import app; print(*sys.modules)"
HEAVY = {"numpy", "anonlink", "bitarray", "ijson", "yoyo", "requests", "yaml", "fastjsonschema", "moto"}


@pytest.mark.parametrize("module", ["chalicelib.api.application", "app"])
def test_importing_the_api_brings_nothing_heavy(module):
    program = PROGRAM.format(module=module)
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PATH": ""}
    )

    assert HEAVY.isdisjoint(printed.stdout.split())


def test_chalices_command_line_sees_every_function_of_the_table():
    program = "from app import app; print(*(f.name for f in app.pure_lambda_functions))"
    printed = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, env={"PATH": "", "AWS_CHALICE_CLI_MODE": "true"},
    )  # fmt: skip

    placeholders_are_no_yaml = Path("functions.yaml").read_text().replace("${", "").replace("}", "")
    table = yaml.safe_load(placeholders_are_no_yaml)["functions"]
    assert set(printed.stdout.split()) == table.keys() - {"api"}
