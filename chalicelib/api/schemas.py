"""``openapi.yaml`` is the truth: requests are validated against its components.

The document is read, and each schema compiled, when it is first needed: a status poll needs neither.
OpenAPI 3.1's schemas are JSON Schema 2020-12; ours keep to what that has in common with draft 7, which
is what fastjsonschema compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.errors import BadRequest

_PATH = Path(__file__).with_name("openapi.yaml")


@cache
def document() -> dict[str, Any]:
    import yaml  # only here: most requests never need it

    loaded: dict[str, Any] = yaml.load(_PATH.read_text(), Loader=yaml.CSafeLoader)
    return loaded


def validate(schema: str, value: Any) -> Any:
    """``value`` with the schema's defaults filled in. Raises BadRequest that says where and which rule."""
    from fastjsonschema import JsonSchemaValueException

    try:
        return compiled(schema)(value, name_prefix="body")
    except JsonSchemaValueException as error:
        raise BadRequest(_message(error)) from None


@cache
def compiled(schema: str) -> Callable[..., Any]:
    import fastjsonschema

    definition = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    validator: Callable[..., Any] = fastjsonschema.compile(definition, use_formats=False)
    return validator


def _message(error: Any) -> str:
    # The library's messages name the path and the rule; only for these two would they say too little.
    if error.rule in ("oneOf", "anyOf"):
        keys = [f"'{key}'" for option in error.rule_definition for key in option.get("required", ())]
        return f"{error.name} must have exactly one of {', '.join(keys)}"
    return str(error.message)
