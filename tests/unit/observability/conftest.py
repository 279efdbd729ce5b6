"""What functions tell, as Lambda would hand it to CloudWatch."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.observability import logger, metrics

CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


@dataclass
class Told:
    """All that was logged and printed since the test began."""

    log: io.StringIO
    capsys: pytest.CaptureFixture[str]
    printed: str = ""

    @property
    def text(self) -> str:
        self.printed += self.capsys.readouterr().out
        return self.log.getvalue() + self.printed

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.text.splitlines()) if "_aws" not in line]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.text.splitlines()) if "_aws" in line]

    @property
    def figures(self) -> dict[str, list[float]]:
        """Values by metric, of all lines."""
        values: dict[str, list[float]] = {}
        for line in self.metrics:
            for directive in line["_aws"]["CloudWatchMetrics"]:
                for metric in directive["Metrics"]:
                    values.setdefault(metric["Name"], []).extend(line[metric["Name"]])
        return values


@pytest.fixture
def told(monkeypatch, capsys) -> Told:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Linkage")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    metrics._counted.clear()
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    return Told(log, capsys)
