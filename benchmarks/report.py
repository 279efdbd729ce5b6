"""Tables and plots out of ``results.json``; nothing is measured here.

    .venv/bin/python -m benchmarks.report                 # into benchmarks/results
    .venv/bin/python -m benchmarks.report --docs          # and into docs/performance.md and docs/images

In the page, what is between ``<!-- name -->`` and ``<!-- /name -->`` is replaced by the table of that name.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.tables import table

RESULTS = Path(__file__).with_name("results")
FILE, TABLES = "results.json", "tables.md"
DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="directory (%(default)s)")
    parser.add_argument("--docs", action="store_true", help="also into the documentation")
    options = parser.parse_args()
    results = json.loads((options.results / FILE).read_text())
    write(results, options.results)
    if options.docs:
        page = DOCS / "performance.md"
        page.write_text(filled(page.read_text(), results))
        plots.draw(results, DOCS / "images")


def write(results: dict[str, Any], directory: Path) -> None:
    """``tables.md`` and the plots, into ``directory``, of the experiments that were measured."""
    sections = [
        f"## {found['experiment']['title']}\n\n{table(name, results)}\n"
        for name, found in results["experiments"].items()
    ]
    head = f"# Benchmarks\n\n{table('machine', results)}\n"
    (directory / TABLES).write_text("\n".join([head, *sections]))
    plots.draw(results, directory)


def filled(page: str, results: dict[str, Any]) -> str:
    """The page with its tables replaced by those of the results; tables that weren't measured stay."""

    def replaced(place: re.Match[str]) -> str:
        name = place[1]
        if name != "machine" and name not in results["experiments"]:
            return place[0]
        return f"<!-- {name} -->\n{table(name, results)}\n<!-- /{name} -->"

    return re.sub(r"<!-- ([a-z-]+) -->\n.*?<!-- /\1 -->", replaced, page, flags=re.DOTALL)


if __name__ == "__main__":
    main()
