"""Writes the tables of inputs and outputs into the README of each module, from its ``*.tf`` files.

``python terraform/document.py`` writes them; with ``--check`` it only says which are out of date, and
exits with 1. It reads what ``terraform fmt`` leaves: an attribute of a block is indented by two spaces.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent
BEGIN, END = "<!-- made by document.py -->\n", "<!-- end -->\n"

_BLOCK = r'^{kind} "(?P<name>\w+)" \{{\n(?P<body>.*?)^\}}'
_ATTRIBUTE = re.compile(r"^  (\w+) += (.*?)(?=^  \w|\Z)", re.MULTILINE | re.DOTALL)


def tables(module: Path) -> str:
    """Markdown of a module's inputs and outputs, in the order of its files.

    Raises KeyError when a block has no description.
    """
    text = "\n".join(path.read_text() for path in sorted(module.glob("*.tf")))
    inputs = ["| input | default | meaning |", "|---|---|---|"]
    for name, attributes in _blocks("variable", text):
        default = f"`{attributes['default']}`" if "default" in attributes else "required"
        form = f"`{attributes['type']}`"
        inputs.append(f"| `{name}` | {default} | {_sentence(attributes)}<br>{form} |")
    outputs = ["| output | meaning |", "|---|---|"]
    for name, attributes in _blocks("output", text):
        outputs.append(f"| `{name}` | {_sentence(attributes)} |")
    return "\n".join(inputs) + "\n\n" + "\n".join(outputs) + "\n"


def documented(module: Path) -> str:
    """The module's README with tables that are up to date. Raises ValueError if it has no place for them."""
    readme = (module / "README.md").read_text()
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"{module}/README.md has no place for the tables: {BEGIN.strip()} … {END.strip()}")
    head, rest = readme.split(BEGIN, 1)
    return head + BEGIN + "\n" + tables(module) + "\n" + END + rest.split(END, 1)[1]


def modules() -> list[Path]:
    """The root module and those that it joins."""
    return [ROOT, *sorted(path.parent for path in ROOT.glob("modules/**/variables.tf"))]


def outdated() -> list[Path]:
    """The READMEs that don't say what the modules take and give."""
    return [path / "README.md" for path in modules() if (path / "README.md").read_text() != documented(path)]


def _blocks(kind: str, text: str) -> list[tuple[str, dict[str, str]]]:
    found = re.finditer(_BLOCK.format(kind=kind), text, re.MULTILINE | re.DOTALL)
    return [(match["name"], _attributes(match["body"])) for match in found]


def _attributes(body: str) -> dict[str, str]:
    # Nested blocks follow the attributes that are wanted here.
    return {name: _one_line(value) for name, value in _ATTRIBUTE.findall(body)}


def _one_line(value: str) -> str:
    lines = [" ".join(line.split()) for line in value.strip().splitlines()]
    joined = re.sub(r"([^{(,]) \n", r"\1, ", " \n".join(lines)).replace("\n", "")
    return re.sub(r",? +([)}])", r" \1", joined).replace("{  ", "{ ").replace("  ", " ")


def _sentence(attributes: dict[str, str]) -> str:
    return attributes["description"].strip('"').replace('\\"', '"').replace("|", "\\|")


def main() -> int:
    stale = outdated()
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path} is out of date: python terraform/document.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(documented(path.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
