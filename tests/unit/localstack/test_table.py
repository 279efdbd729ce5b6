"""Filling in the table of functions and packing the code."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest

from localstack.errors import StackError
from localstack.table import arn_placeholder, function_code, read_state_machine, read_table, render

ROOT = Path(__file__).resolve().parents[3]


def test_render_fills_in_every_placeholder() -> None:
    assert render("a ${One} ${Two}", {"One": "1", "Two": "2"}, "x") == "a 1 2"


def test_render_names_the_unknown_placeholder_and_its_file() -> None:
    with pytest.raises(StackError, match=r"functions\.yaml: no value for \$\{Nope\}"):
        render("a ${Nope}", {}, "functions.yaml")


@pytest.mark.parametrize(
    ("function", "placeholder"), [("api", "ApiFunctionArn"), ("link_small", "LinkSmallFunctionArn")]
)
def test_arn_placeholder_is_the_name_in_camel_case(function: str, placeholder: str) -> None:
    assert arn_placeholder(function) == placeholder


def test_table_keeps_numbers(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text("memory_mb: ${Size}  # MB\n")

    assert read_table(tmp_path, {"Size": "512"}) == {"memory_mb": 512}


def test_missing_table_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not a checkout"):
        read_table(tmp_path, {})


def test_state_machine_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stepfunctions").mkdir()
    (tmp_path / "stepfunctions" / "link.asl.json").write_text('{"MaxConcurrency": ${Many}}')

    assert read_state_machine(tmp_path, "link", {"Many": "4"}) == '{"MaxConcurrency": 4}'
    with pytest.raises(StackError, match=r"link\.asl\.json is not JSON"):
        read_state_machine(tmp_path, "link", {"Many": "lots"})


def test_same_code_gives_the_same_zip(tmp_path: Path) -> None:
    (tmp_path / "chalicelib" / "__pycache__").mkdir(parents=True)
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / "chalicelib" / "schema.sql").write_text("SELECT 1\n")
    (tmp_path / "chalicelib" / "__pycache__" / "old.pyc").write_bytes(b"old")
    first = function_code(tmp_path)
    (tmp_path / "app.py").touch()
    sys.intern("x")  # what else this process knows must not show in the byte code

    second = function_code(tmp_path)

    assert first == second
    assert zipfile.ZipFile(io.BytesIO(first)).namelist() == [
        "__pycache__/app.cpython-311.pyc",
        "app.py",
        "chalicelib/schema.sql",
    ]


def test_code_that_does_not_compile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chalicelib").mkdir()
    (tmp_path / "app.py").write_text("def broken(:\n")

    with pytest.raises(StackError, match="does not compile"):
        function_code(tmp_path)
