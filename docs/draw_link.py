"""Draws the link state machine: `python docs/draw_link.py`.

States, transitions and conditions are read from ``stepfunctions/link.asl.json``; only the places of the
states are chosen here. A test holds the committed picture to what this draws.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEFINITION = ROOT / "stepfunctions" / "link.asl.json"
PICTURE = ROOT / "docs" / "images" / "link.svg"

WIDTH, HEIGHT = 1360, 330
BOX_WIDTH, BOX_HEIGHT = 108, 44
BUS_Y = 236  # where failures run together
# Column and row of each state; a state that is missing here is an error.
PLACES = {
    "Plan": (0, 0),
    "IsSmall": (1, 0),
    "LinkSmall": (1, 1),
    "Reuse": (2, 1),
    "Compare": (2, 0),
    "Merge": (3, 0),
    "MergeParts": (4, 1),
    "WhichOutput": (4, 0),
    "Solve": (5, 0),
    "IsPermuted": (6, 0),
    "Permute": (6, 1),
    "IsEncrypted": (7, 0),
    "EncryptMask": (7, 1),
    "Complete": (8, 0),
    "Fail": (7, 2),
    "Failed": (8, 2),
}
ROWS_Y = (86, 172, 286)
COLUMN_STEP = 148

STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; text-anchor: middle }
  .small { font-size: 11.5px; fill: #59636e }
  .state { fill: #ddf4ff; stroke: #0969da }
  .choice { fill: #fff8c5; stroke: #9a6700 }
  .end { fill: #ffebe9; stroke: #cf222e }
  .edge { fill: none; stroke: #59636e; stroke-width: 1.4 }
  .catch { fill: none; stroke: #cf222e; stroke-width: 1.2; stroke-dasharray: 4 3 }
  .dot { fill: #59636e } .dot-catch { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .state { fill: #0d2a4a; stroke: #4493f8 } .choice { fill: #362b0c; stroke: #d29922 }
    .end { fill: #3c1618; stroke: #f85149 } .edge { stroke: #9198a1 } .catch { stroke: #f85149 }
    .dot { fill: #9198a1 } .dot-catch { fill: #f85149 }
  }
"""


def draw(definition: dict[str, Any]) -> str:
    """The picture, as SVG."""
    states = definition["States"]
    body = [_start(definition["StartAt"]), _bus(states), *_ways_back(states)]
    for name, state in states.items():
        body += [_edge(name, target, label) for target, label in _transitions(state)]
    body += [_state(name, state) for name, state in states.items()]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>The link state machine</title>",
            f"<style>{STYLE}</style>",
            _marker("arrow", "dot") + _marker("arrow-catch", "dot-catch"),
            *body,
            "</svg>\n",
        ]
    )


def _transitions(state: dict[str, Any]) -> list[tuple[str, str]]:
    """(target, condition) of each way out that isn't a failure."""
    conditions: dict[str, list[str]] = {}
    for choice in state.get("Choices", ()):
        conditions.setdefault(choice["Next"], []).append(_condition(choice))
    choices = [(target, ", ".join(each)) for target, each in conditions.items()]
    others = [(state[key], "") for key in ("Default", "Next") if key in state]
    return choices + others


def _condition(choice: dict[str, Any]) -> str:
    wanted = choice.get("StringEquals")
    return wanted or choice["Variable"].removeprefix("$.")


def _center(name: str) -> tuple[int, int]:
    column, row = PLACES[name]
    return 30 + BOX_WIDTH // 2 + column * COLUMN_STEP, ROWS_Y[row]


def _state(name: str, state: dict[str, Any]) -> str:
    x, y = _center(name)
    left, top = x - BOX_WIDTH // 2, y - BOX_HEIGHT // 2
    kind = {"Choice": "choice", "Fail": "end"}.get(state["Type"], "state")
    radius = 22 if kind == "choice" else 6
    shape = (
        f'<rect x="{{}}" y="{{}}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="{radius}" class="{kind}"/>'
    )
    behind = (
        [shape.format(left + 8, top - 8), shape.format(left + 4, top - 4)] if "ItemReader" in state else []
    )
    texts = [f'<text x="{x}" y="{y + 5}">{name}</text>']
    if "ItemReader" in state:
        (child,) = state["ItemProcessor"]["States"]
        what = {"Compare": "chunk", "MergeParts": "part", "EncryptMask": "slice"}[name]
        # Beside the line of failures that leaves a state of the lower row.
        at = (x, top - 18) if PLACES[name][1] == 0 else (x + 76, y + BOX_HEIGHT // 2 + 16)
        texts.append(f'<text x="{at[0]}" y="{at[1]}" class="small">one {child} per {what}</text>')
    if state.get("End"):
        behind.append(_end(x, y))
    return "".join([*behind, shape.format(left, top), *texts])


def _end(x: int, y: int) -> str:
    edge = x + BOX_WIDTH // 2
    line = f'<path class="edge" d="M{edge} {y}H{edge + 16}"/>'
    return f'{line}<circle class="dot" cx="{edge + 20}" cy="{y}" r="5"/>'


def _start(first: str) -> str:
    x, y = _center(first)
    edge = x - BOX_WIDTH // 2
    line = f'<path class="edge" marker-end="url(#arrow)" d="M12 {y}H{edge - 2}"/>'
    return f'<circle class="dot" cx="8" cy="{y}" r="5"/>{line}'


def _edge(source: str, target: str, label: str) -> str:
    (x1, y1), (x2, y2) = _center(source), _center(target)
    half_width, half_height = BOX_WIDTH // 2, BOX_HEIGHT // 2
    lines = label.split(", ")
    beside = x1 + 8 + 3 * max(map(len, lines))  # a letter is some six units wide
    if y2 > y1 and x1 != x2:  # down, into its side
        turn = x2 - half_width - 10
        path = f"M{x1 + half_width} {y1 + 10}H{turn}V{y2}H{x2 - half_width - 2}"
        label_at = (turn + 40, (y1 + y2) // 2 + 4)
    elif y2 < y1 and x1 < x2:  # up, into its side
        turn = x2 - half_width - 10
        path, label_at = f"M{x1 + half_width} {y1}H{turn}V{y2 + 10}H{x2 - half_width - 2}", (x2, y1)
    elif y2 < y1 and x1 > x2:  # back, from below, and beside what goes forward
        path, label_at = f"M{x1 - half_width} {y1 - 12}H{x2 + 20}V{y2 + half_height + 2}", (x2, y1)
    elif y1 != y2:
        path, label_at = f"M{x1} {y1 + half_height}V{y2 - half_height - 2}", (beside, (y1 + y2) // 2 + 4)
    elif x2 - x1 > COLUMN_STEP:  # over what lies between
        top = y1 - half_height
        path = f"M{x1} {top}V{top - 26}H{x2}V{top - 2}"
        label_at = ((x1 + x2) // 2, top - 32)
    else:
        path, label_at = f"M{x1 + half_width} {y1}H{x2 - half_width - 2}", ((x1 + x2) // 2, y1 - 6)
    first_y = label_at[1] - 7 * (len(lines) - 1)
    texts = [
        f'<text x="{label_at[0]}" y="{first_y + 14 * i}" class="small">{escape(line)}</text>'
        for i, line in enumerate(lines)
        if line
    ]
    return "".join([f'<path class="edge" marker-end="url(#arrow)" d="{path}"/>', *texts])


def _ways_back(states: dict[str, Any]) -> list[str]:
    """What is caught by name: back to where it is tried in another way, below everything between."""
    ways = []
    for name, state in states.items():
        for clause in state.get("Catch", ()):
            if clause["ErrorEquals"] != ["States.ALL"]:
                (x1, y1), (x2, y2) = _center(name), _center(clause["Next"])
                bottom = y1 + BOX_HEIGHT // 2
                path = f"M{x1 - 24} {bottom}V{bottom + 14}H{x2 - 24}V{y2 + BOX_HEIGHT // 2 + 2}"
                ways.append(f'<path class="catch" marker-end="url(#arrow-catch)" d="{path}"/>')
                label = escape(", ".join(clause["ErrorEquals"]))
                ways.append(f'<text x="{x2 + 40}" y="{bottom + 9}" class="small">{label}</text>')
    return ways


def _bus(states: dict[str, Any]) -> str:
    """Every state that catches, down to the line that leads to where it is caught."""
    catching = [name for name, state in states.items() if "Catch" in state]
    (target,) = {states[name]["Catch"][-1]["Next"] for name in catching}
    target_x, target_y = _center(target)
    places = [_center(name) for name in catching]
    drops = "".join(f"M{x} {y + BOX_HEIGHT // 2}V{BUS_Y}" for x, y in places)
    columns = [x for x, _ in places]
    line = f"M{min(columns)} {BUS_Y}H{max(columns)}"
    way_down = f"M{target_x} {BUS_Y}V{target_y - BOX_HEIGHT // 2 - 2}"
    down = f'<path class="catch" marker-end="url(#arrow-catch)" d="{way_down}"/>'
    label = (
        f'<text x="{min(columns) + 74}" y="{BUS_Y + 18}" class="small">any failure, after its retries</text>'
    )
    return f'<path class="catch" d="{drops}{line}"/>{down}{label}'


def _marker(name: str, style: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto">'
        f'<path class="{style}" d="M0 0L8 4L0 8z"/></marker>'
    )


def read_definition() -> dict[str, Any]:
    # Placeholders of numbers have no quotes around them.
    text = re.sub(r"\$\{\w+\}", "0", DEFINITION.read_text(encoding="utf-8"))
    definition: dict[str, Any] = json.loads(text)
    return definition


if __name__ == "__main__":
    PICTURE.write_text(draw(read_definition()), encoding="utf-8")
