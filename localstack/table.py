"""Reads what is deployed: the table of functions, the state machines, the code.

Both are templates with ``${Name}`` placeholders, shared with Terraform, and filled in as plain text. An
unknown placeholder is an error: a function that starts without its setting is harder to explain.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localstack.errors import StackError

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_CACHES = shutil.ignore_patterns("__pycache__")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same code gives the same bytes
Table = dict[str, Any]  # functions.yaml as it stands there


def render(text: str, values: Mapping[str, str], origin: str) -> str:
    """``text`` with every ``${Name}`` replaced. Raises StackError naming what is unknown."""

    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise StackError(f"{origin}: no value for {match[0]}") from None

    return _PLACEHOLDER.sub(value, text)


def read_table(source: Path, values: Mapping[str, str]) -> Table:
    """The table of functions, filled in."""
    path = source / "functions.yaml"
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise StackError(f"{path} is missing: not a checkout of the service") from None
    table: Table = yaml.safe_load(render(text, values, path.name))
    return table


def read_state_machine(source: Path, name: str, values: Mapping[str, str]) -> str:
    """A state machine's definition, filled in and known to be JSON."""
    path = source / "stepfunctions" / f"{name}.asl.json"
    definition = render(path.read_text(), values, path.name)
    try:
        json.loads(definition)
    except ValueError as error:
        raise StackError(f"{path.name} is not JSON once it is filled in: {error}") from None
    return definition


def arn_placeholder(function: str) -> str:
    """The placeholder of a function's ARN: ``link_small`` gives ``LinkSmallFunctionArn``."""
    return "".join(word.capitalize() for word in function.split("_")) + "FunctionArn"


def function_code(source: Path) -> bytes:
    """A zip of ``app.py`` and ``chalicelib/``, the same bytes for the same code.

    Third-party packages come from the interpreter. Byte code is packed beside each module: every
    worker process unpacks the zip for itself, and would compile it again.
    """
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        shutil.copytree(source / "chalicelib", tree / "chalicelib", ignore=_CACHES)
        shutil.copy(source / "app.py", tree)
        _compile(tree)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in tree.rglob("*") if path.is_file()):
                _add(archive, path.relative_to(tree).as_posix(), path.read_bytes())
        return packed.getvalue()


def _compile(tree: Path) -> None:
    # In a process of its own: byte code records which of its constants the process that compiles
    # uses elsewhere, so the same module compiled twice in one process may differ.
    command = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "-s",
        str(tree),
        "--invalidation-mode",
        "unchecked-hash",
    ]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    compiled = subprocess.run(
        [*command, str(tree)], env=environment, capture_output=True, text=True, check=False
    )
    if compiled.returncode != 0:
        raise StackError(f"the code does not compile: {compiled.stdout.strip()}")


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _ZIP_TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
