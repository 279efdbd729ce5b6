"""CloudWatch metrics, by the embedded metric format: a JSON line in the log, and no call of any API.

Every metric has the dimension ``service``, which tells stacks apart; ids stand beside the figures as
properties, which can be searched and cost nothing: each value of a dimension is a metric more to pay for.
Without POWERTOOLS_METRICS_NAMESPACE nothing is counted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics

from chalicelib.observability.logs import logger

_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"

METRICS: Final[Mapping[str, str]] = {
    # Work: of all calls that did it, so a chunk that is compared twice counts twice.
    "Comparisons": "Count",
    "ComparisonsPerSecond": "Count/Second",  # of one compare function, reading and writing included
    "CandidatePairs": "Count",  # as found, before repeated ones are dropped
    "ChunkMilliseconds": "Milliseconds",
    "EncryptedBits": "Count",  # of masks
    "RecordsIngested": "Count",
    # Waiting, until a function begins.
    "UploadWaitSeconds": "Seconds",  # since the upload was delivered
    "RunWaitSeconds": "Seconds",  # since the run was queued
    "ChunkWaitSeconds": "Seconds",  # since the run was planned
    # Ends, once each.
    "UploadsIngested": "Count",
    "UploadsRefused": "Count",  # by a fault of the data
    "UploadsFailed": "Count",  # by a fault of the service
    "RunsCompleted": "Count",
    "RunsRefused": "Count",
    "RunsFailed": "Count",
    # Of a run that is completed.
    "RunSeconds": "Seconds",  # since it was queued
    "PlanSeconds": "Seconds",  # as RunSeconds: the wait is in it
    "CompareSeconds": "Seconds",
    "MergeSeconds": "Seconds",
    "SolveSeconds": "Seconds",
    "PermuteSeconds": "Seconds",
    "EncryptSeconds": "Seconds",
    "DeliverSeconds": "Seconds",
    "RunCost": "None",  # US dollars
    # What is promised, each minute: 0 when there is none.
    "OldestUploadSeconds": "Seconds",
    "OldestRunSeconds": "Seconds",
    "OldestPurgeSeconds": "Seconds",
    "ObjectsLeft": "Count",  # that a finished purge found after all
    # What broke.
    "UnforeseenErrors": "Count",
    "CacheFailures": "Count",
    "DatabaseReconnects": "Count",
}

_counted: dict[str | None, EphemeralMetrics] = {}


def count(name: str, value: float = 1, *, function: str | None = None) -> None:
    """Add to a metric of METRICS, which is written when this call ends. Never raises.

    With ``function`` it is a metric of that function as well.
    """
    if _NAMESPACE not in os.environ:
        return
    try:
        if not math.isfinite(value):
            raise ValueError(f"{value} is no figure")
        if function not in _counted:
            _counted[function] = _new(function)
        _counted[function].add_metric(name, METRICS[name], value)
    except Exception:
        logger.warning("a metric was lost", extra={"metric": name}, exc_info=True)


def _new(function: str | None) -> EphemeralMetrics:
    metrics = EphemeralMetrics()
    if function is not None:
        metrics.set_default_dimensions(service=metrics.service)
        metrics.add_dimensions(function=function)
    return metrics


def write(properties: Mapping[str, object]) -> None:
    """Print what was counted, a line for each set of dimensions, and begin anew. Never raises."""
    try:
        for metrics in _counted.values():
            for name, value in properties.items():
                metrics.add_metadata(name, value)
            if metrics.metric_set:
                metrics.flush_metrics()
    except Exception:
        logger.warning("metrics were lost", exc_info=True)
    finally:
        _counted.clear()
