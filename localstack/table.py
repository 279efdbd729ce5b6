"""Reads what is deployed: the table of functions, the state machines, the code.

Both are templates with ``${Name}`` placeholders, shared with Terraform, and filled in as plain text. An
unknown placeholder is an error: a function that starts without its setting is harder to explain.
"""

from __future__ import annotations

import io
import json
import py_compile
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localstack.errors import StackError

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_COMMENT_LINE = re.compile(r"^\s*#.*$", re.MULTILINE)
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
        text = _COMMENT_LINE.sub("", path.read_text())  # comments speak of placeholders, too
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
    files = [source / "app.py", *sorted((source / "chalicelib").rglob("*"))]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            name = path.relative_to(source).as_posix()
            _add(archive, name, path.read_bytes())
            if path.suffix == ".py":
                _add(archive, *_byte_code(path, name))
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _ZIP_TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _byte_code(path: Path, name: str) -> tuple[str, bytes]:
    folder, _, file = name.rpartition("/")
    target = Path(folder, "__pycache__", f"{file.removesuffix('.py')}.cpython-311.pyc").as_posix()
    with tempfile.TemporaryDirectory() as directory:
        compiled = py_compile.compile(
            str(path),
            cfile=str(Path(directory, "out.pyc")),
            dfile=name,
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,  # no times in it
        )
        return target, Path(str(compiled)).read_bytes()
