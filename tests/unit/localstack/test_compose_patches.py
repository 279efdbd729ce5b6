"""What we change in LocalStack, on stand-ins of the two classes that are changed: LocalStack is not in the
environment, since its packages are not ours."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from localstack.settings import SOURCE_DIR
from localstack.table import arn_placeholder, read_state_machine, read_table
from localstack.target import derived_values, emulated
from tests.unit.localstack.compose_files import FOLDER

STEP_FUNCTIONS = "localstack.services.stepfunctions.asl"
TRANSFORMER = (
    f"{STEP_FUNCTIONS}.component.state.state_execution.state_map.item_reader.resource_eval."
    "resource_output_transformer.resource_output_transformer_json"
)


class Parser:
    @staticmethod
    def parse(definition: str) -> str:
        return definition


class Reader:
    def _eval_body(self, env: SimpleNamespace) -> None:
        env.stack.append(json.loads(env.stack.pop(-2)))


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """The parser and the reader of one JSON document, after the file was run."""
    parser = type("Parser", (), {"parse": staticmethod(Parser.parse)})
    reader = type("Reader", (), {"_eval_body": Reader._eval_body})
    for name, attributes in (
        (f"{STEP_FUNCTIONS}.parse.asl_parser", {"AmazonStateLanguageParser": parser}),
        (TRANSFORMER, {"ResourceOutputTransformerJson": reader}),
    ):
        parts = name.split(".")
        for end in range(2, len(parts) + 1):
            module = ModuleType(".".join(parts[:end]))
            module.__path__ = []
            monkeypatch.setitem(sys.modules, module.__name__, module)
        sys.modules[name].__dict__.update(attributes)
    runpy.run_path(str(FOLDER / "compose" / "init" / "patches.py"))
    return parser, reader


def read(reader: Any, text: str) -> Any:
    env = SimpleNamespace(stack=["below", text, {"the reader's": "settings"}])
    reader()._eval_body(env)
    return env.stack[-1]


def keys_and_values(value: Any) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from keys_and_values(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from keys_and_values(item)


def definitions() -> dict[str, str]:
    target = emulated("http://emulator:4566", {"DatabaseHost": "", "DatabasePassword": "", "RedisHost": ""})
    values = derived_values(target) | dict(target.values)
    table = read_table(SOURCE_DIR, values)
    values |= {arn_placeholder(name): f"arn:{name}" for name in table["functions"]}
    return {name: read_state_machine(SOURCE_DIR, name, values) for name in table["state_machines"]}


def test_our_definitions_lose_what_is_refused_and_nothing_else(patched: tuple[Any, Any]) -> None:
    changed = {"InputType", "ResultWriter", "ToleratedFailurePercentage"}
    seen = set()
    for definition in definitions().values():
        before = list(keys_and_values(json.loads(definition)))
        after = list(keys_and_values(json.loads(patched[0].parse(definition))))

        seen |= {key for key, _ in before} & changed
        assert "ResultWriter" not in {key for key, _ in after}
        assert ("InputType", "JSONL") not in after
        assert all(isinstance(v, float) for key, v in after if key == "ToleratedFailurePercentage")
        lost = {key for key, _ in before} - {key for key, _ in after}
        assert lost <= {"ResultWriter"} | within_result_writer(definition)
    assert {"InputType", "ResultWriter"} <= seen  # else there would be nothing to change


def within_result_writer(definition: str) -> set[str]:
    writers = [v for key, v in keys_and_values(json.loads(definition)) if key == "ResultWriter"]
    return {key for writer in writers for key, _ in keys_and_values(writer)}


def test_a_whole_percentage_becomes_a_number_that_is_taken(patched: tuple[Any, Any]) -> None:
    parsed = patched[0].parse('{"States": [{"ToleratedFailurePercentage": 5}]}')

    assert "5.0" in parsed


def test_what_is_no_json_reaches_the_parser_as_it_is(patched: tuple[Any, Any]) -> None:
    assert patched[0].parse("{") == "{"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"chunk": 1}\n{"chunk": 2}\n', [{"chunk": 1}, {"chunk": 2}]),
        ('{"chunk": 1}\n\n', [{"chunk": 1}]),
        (' [{"chunk": 1}]', [{"chunk": 1}]),
        ("", []),
    ],
    ids=["lines", "an empty line", "an array", "nothing"],
)
def test_a_manifest_is_read_by_line_or_as_an_array(
    patched: tuple[Any, Any], text: str, expected: list[Any]
) -> None:
    assert read(patched[1], text) == expected


def test_the_file_lies_where_it_is_mounted_from() -> None:
    mounted = (FOLDER / "compose" / "localstack.yml").read_text()

    assert "./init:/etc/localstack/init/start.d:ro" in mounted
    assert [path.name for path in Path(FOLDER, "compose", "init").glob("*.py")] == ["patches.py"]
