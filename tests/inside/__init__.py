"""The contract suite inside a deployment: two handlers of Lambda, for where no way leads in from outside.

A state machine calls ``run_module`` for each module and then ``collect``. Both only write to the bucket that
``RESULTS_BUCKET`` names, and both return numbers: a failed test is a result, not an error.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.inside import readiness, reports, results
from tests.inside.suite import CONTRACT, run

# The modules that don't run here, each with its reason.
NOT_INSIDE = {
    "test_original_client.py": "the original's client needs a virtual environment of its own",
}
# Lambda's call must not end before pytest has been stopped and what it said is stored.
_RESERVE_SECONDS = 25
_READY_SECONDS = 300  # IAM and the network of functions may need minutes until they are as they were made


def modules() -> list[str]:
    """The names of all modules that run inside, in order."""
    return sorted(path.name for path in CONTRACT.glob("test_*.py") if path.name not in NOT_INSIDE)


def run_module(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs ``event["module"]`` against ``SERVER``; returns its name and its numbers.

    Writes ``results/<name>.xml`` and what pytest said, ``results/<name>.log``; a second call replaces both.
    A service that doesn't get ready, and a suite that doesn't end in time, are errors in the report.
    """
    module, server = event["module"], os.environ["SERVER"]
    # Stands there if this function is killed.
    results.write(module, reports.with_error(module, "the function ended before the suite did"), "")
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    with tempfile.TemporaryDirectory() as directory:
        try:
            waited = readiness.wait(server, min(_READY_SECONDS, seconds))
            report, log = run(module, server, seconds - waited, Path(directory))
        except readiness.NotReady as error:
            report, log = reports.with_error(module, str(error)), str(error)
    results.write(module, report, log)
    outcome = {"module": module, **reports.totals(report)}
    print(outcome)
    return outcome


def collect(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Joins the reports of ``event["modules"]``, all by default, to ``results.xml``; returns its numbers.

    ``failed_modules`` names those that have failures or errors. A report that is missing is an error.
    """
    names = event.get("modules") or modules()
    report_by_module = {name: results.read(name) for name in names}
    joined = reports.join(report_by_module.values())
    results.write_joined(joined)
    failed = [name for name, report in report_by_module.items() if reports.has_failed(report)]
    outcome = {**reports.totals(joined), "failed_modules": failed}
    print(outcome)
    return outcome
