"""What we change in LocalStack 4.14.0 while it starts: it runs this file inside its own process.

Its Step Functions do not do all that a Distributed Map does in AWS. They refuse a manifest of one JSON value
a line and a percentage that is a whole number, and look for ResultWriter's parameters in the result instead
of the input. So definitions are read with what it takes instead; the service drops the joined result anyway.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

_STEP_FUNCTIONS = "localstack.services.stepfunctions.asl"
_TRANSFORMERS = (
    f"{_STEP_FUNCTIONS}.component.state.state_execution.state_map.item_reader.resource_eval."
    "resource_output_transformer"
)
_PERCENTAGE = "ToleratedFailurePercentage"

_parser: Any = import_module(f"{_STEP_FUNCTIONS}.parse.asl_parser").AmazonStateLanguageParser
_reader: Any = import_module(
    f"{_TRANSFORMERS}.resource_output_transformer_json"
).ResourceOutputTransformerJson
_parse = _parser.parse
_read = _reader._eval_body


def _parse_as_aws(definition: str) -> Any:
    try:
        machine = json.loads(definition)
    except ValueError:
        return _parse(definition)  # which says what is wrong
    return _parse(json.dumps(_accepted(machine)))


def _accepted(value: Any) -> Any:
    if isinstance(value, list):
        return [_accepted(item) for item in value]
    if not isinstance(value, dict):
        return value
    accepted = {name: _accepted(item) for name, item in value.items() if name != "ResultWriter"}
    if _PERCENTAGE in accepted:
        accepted[_PERCENTAGE] = float(accepted[_PERCENTAGE])
    if accepted.get("InputType") == "JSONL":
        accepted["InputType"] = "JSON"
    return accepted


def _read_lines_too(self: Any, env: Any) -> None:
    """The object's text is on the stack, below the reader's settings; an array passes as it is."""
    text = env.stack[-2]
    if not text.lstrip().startswith("["):
        env.stack[-2] = json.dumps([json.loads(line) for line in text.splitlines() if line.strip()])
    _read(self, env)


_parser.parse = staticmethod(_parse_as_aws)
_reader._eval_body = _read_lines_too
