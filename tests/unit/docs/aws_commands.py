"""Commands of the AWS CLI as a page has them, and what AWS's own definitions object to in them.

The CLI derives its commands from the same definitions as boto3: an operation's name and its parameters'
with hyphens. What it adds by itself is listed here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, Shape

_EVERYWHERE = {"query", "output", "region", "max-items"}
_OF_THE_CLI = {
    ("s3", "ls"): {"recursive", "summarize", "human-readable"},
    ("s3", "rm"): {"recursive"},
    ("s3", "cp"): set(),
    ("logs", "tail"): {"since", "follow", "format"},
}
_RENAMED = {("sns", "subscribe", "notification-endpoint"): "endpoint"}  # which names AWS's address elsewhere
_SERVICES = {"s3api": "s3"}
_INTO_A_FILE = {("lambda", "invoke")}  # which comes last
_PLACEHOLDER = "SUBSTITUTED"


def commands(script: str) -> Iterator[list[str]]:
    """The words of each call of ``aws`` in a shell script, those in ``$(…)`` included."""
    while "$(" in script:
        start = script.rindex("$(")
        stop = script.index(")", start)
        yield from commands(script[start + 2 : stop])
        script = script[:start] + _PLACEHOLDER + script[stop + 1 :]
    for words in _statements(script):
        if "aws" in words:
            yield words[words.index("aws") :]


def _statements(script: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(_one_line(script), posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|;&<>"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _one_line(script: str) -> str:
    """Without comments; ends of lines become semicolons, but within quotes and after a backslash."""
    pieces, quote, is_comment = [], "", False
    for before, char in pairwise("\n" + script.replace("\\\n", " ")):
        is_comment = char != "\n" and (is_comment or (not quote and char == "#" and before.isspace()))
        if is_comment:
            continue
        if char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        pieces.append(" ; " if char == "\n" and not quote else char)
    return "".join(pieces)


def objections(words: list[str]) -> list[str]:
    """Why this would be refused: ``["aws", service, operation, …]``."""
    _, service, name, *arguments = words
    if (service, name) in _INTO_A_FILE:
        arguments.pop()
    options, rest = _options(arguments)
    if (service, name) in _OF_THE_CLI:
        return [f"no --{option}" for option in options if option not in _OF_THE_CLI[service, name]]
    if name == "wait":
        waiters = map(xform_name, _session().get_waiter_model(service).waiter_names)
        if rest[0].replace("-", "_") not in waiters:
            return [f"{service} has no waiter {rest[0]}"]
        name, rest = "describe-" + rest[0].rpartition("-")[0] + "s", rest[1:]  # takes what that takes
    operation = _operation(service, name)
    if operation is None:
        return [f"there is no {service} {name}"]
    found = [f"{rest} is too much"] if rest else []
    options = {_RENAMED.get((service, name, option), option): values for option, values in options.items()}
    return found + list(_wrong_options(operation, options))


def _options(arguments: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    options: dict[str, list[str]] = {}
    rest: list[str] = []
    values = rest
    for word in arguments:
        if word.startswith("--"):
            values = options.setdefault(word[2:], [])
        else:
            values.append(word)
    return options, rest


def _wrong_options(operation: OperationModel, options: dict[str, list[str]]) -> Iterator[str]:
    shape = operation.input_shape
    members = {xform_name(name, "-"): member for name, member in shape.members.items()}
    for option, values in options.items():
        if option in _EVERYWHERE and option not in members:
            if option == "query":
                jmespath.compile(*values)
            continue
        name = option.removeprefix("no-")
        if name not in members or (name != option and members[name].type_name != "boolean"):
            yield f"no --{option}"
        else:
            yield from _wrong_values(option, members[name], values)
    for name in shape.required_members:
        if xform_name(name, "-") not in options:
            yield f"--{xform_name(name, '-')} is missing"


def _wrong_values(option: str, member: Shape, values: list[str]) -> Iterator[str]:
    if member.type_name == "boolean":
        wanted = 0
    elif member.type_name == "list":
        wanted = max(1, len(values))
    else:
        wanted = 1
    if len(values) != wanted:
        yield f"--{option} has {len(values)} values"
    for value in values:
        if getattr(member, "enum", None) and "$" not in value and value not in member.enum:
            yield f"--{option} can't be {value}"


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def _operation(service: str, name: str) -> OperationModel | None:
    try:
        model = _session().get_service_model(_SERVICES.get(service, service))
    except UnknownServiceError:
        return None
    by_name = {xform_name(operation, "-"): operation for operation in model.operation_names}
    return model.operation_model(by_name[name]) if name in by_name else None
