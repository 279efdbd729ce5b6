"""The metrics that the code counts, Terraform shows and alarms on, and the documentation explains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.observability import METRICS

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "terraform" / "modules" / "observability"
PAGE = ROOT / "docs" / "observability.md"


def alarmed() -> set[str]:
    pattern = r'namespace\s*=\s*var\.metric_namespace, metric = "(\w+)"'
    return set(re.findall(pattern, (MODULE / "alarms.tf").read_text()))


def charted() -> set[str]:
    text = (MODULE / "charts.tf").read_text()
    names = {
        name for own in re.findall(r"\bown = \[([^\]]*)\]", text) for name in re.findall(r'"(\w+)"', own)
    }
    return names | set(re.findall(r'\[var\.metric_namespace, "(\w+)"', text))


def counted() -> set[str]:
    """What is named in the code besides where it is declared."""
    sources = [path for path in (ROOT / "chalicelib").rglob("*.py") if path.name != "metrics.py"]
    text = "\n".join(path.read_text() for path in sources)
    return {name for name in METRICS if f'"{name}"' in text}


def test_every_metric_is_counted_somewhere():
    assert counted() == set(METRICS)


def test_alarms_are_on_metrics_that_there_are():
    assert len(alarmed()) >= 7
    assert alarmed() <= set(METRICS)


def test_the_dashboard_shows_every_metric_and_no_other():
    assert charted() == set(METRICS)


def rows(heading: str) -> dict[str, str]:
    """First and second column of the tables below a heading."""
    section = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = [each for each in section if each.startswith(heading)]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, flags=re.MULTILINE))


def test_the_page_explains_every_metric_with_its_unit():
    units = {name: "USD" if name == "RunCost" else unit for name, unit in METRICS.items()}

    assert rows("Metrics") == units


def test_the_page_says_how_many_there_are_and_what_they_cost():
    text = PAGE.read_text()

    assert f"{len(METRICS)} metrics" in text
    assert f"{0.3 * len(METRICS):.2f} USD" in text


@pytest.mark.parametrize("name", METRICS)
def test_names_are_within_cloudwatchs_limits(name):
    assert re.fullmatch(r"[A-Z][A-Za-z]{1,254}", name)
