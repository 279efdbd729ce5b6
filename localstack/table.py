"""Reads what is deployed: the table of functions, the state machines, the code.

Both are templates with ``${Name}`` placeholders, shared with Terraform, and filled in as plain text. An
unknown placeholder is an error: a function that starts without its setting is harder to explain.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.archives import compile_modules, pack
from deploy.errors import PackageError
from localstack.errors import StackError

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_CACHES = shutil.ignore_patterns("__pycache__")
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
    worker process unpacks the zip for itself, and would compile it again. Raises StackError.
    """
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory, "tree")
        shutil.copytree(source / "chalicelib", tree / "chalicelib", ignore=_CACHES)
        shutil.copy(source / "app.py", tree)
        try:
            compile_modules(tree)
        except PackageError as error:
            raise StackError(str(error)) from error
        return pack(tree, Path(directory, "code.zip")).path.read_bytes()
