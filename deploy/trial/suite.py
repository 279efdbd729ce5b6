"""Runs the contract suite, by the state machine inside the deployment, and fetches what it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy.trial.errors import Stopped, TrialError
from deploy.trial.limits import Watch
from deploy.trial.target import Target

_POLL_SECONDS = 2


@dataclass(frozen=True)
class Totals:
    """How many tests there were, and of these what became."""

    tests: int
    failures: int
    errors: int
    skipped: int
    failed_modules: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        return self.tests > self.skipped and not self.failures and not self.errors

    def __str__(self) -> str:
        ran = self.tests - self.skipped
        text = f"{ran} tests, {self.failures} failed, {self.errors} errors, {self.skipped} skipped"
        return f"{text}; failed: {', '.join(self.failed_modules)}" if self.failed_modules else text


def all_modules() -> list[str]:
    """The modules of the suite that can run inside."""
    # By name: the types of tests are not checked.
    modules: list[str] = import_module("tests.inside").modules()
    return modules


@dataclass(frozen=True)
class Suite:
    """``state_machine_arn`` and ``bucket`` are the deployment's."""

    target: Target
    state_machine_arn: str
    bucket: str

    def run(self, modules: Sequence[str], watch: Watch, show: Callable[[str], None]) -> Totals:
        """Raises TrialError if it has no result, and Stopped once the execution was told to end."""
        states = self.target.client("stepfunctions")
        started = states.start_execution(
            stateMachineArn=self.state_machine_arn, input=json.dumps({"modules": list(modules)})
        )
        execution = {"executionArn": started["executionArn"]}
        try:
            while (told := states.describe_execution(**execution))["status"] == "RUNNING":
                show(f"{self._count_ended()} of {len(modules)} modules")
                watch.wait(_POLL_SECONDS)
        except Stopped as stopped:
            states.stop_execution(**execution, error="Stopped", cause=str(stopped))
            raise
        if told["status"] != "SUCCEEDED":
            raise TrialError(f"the suite has no result: {told['status']} {told.get('cause', '')}")
        output = json.loads(told["output"])
        return Totals(**{name: output[name] for name in Totals.__dataclass_fields__})

    def fetch(self, folder: Path) -> None:
        """What there is by now: ``results.xml``, and ``results/`` of each module."""
        s3 = self.target.client("s3")
        for entry in self._objects():
            path = folder / entry["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(self.bucket, entry["Key"], str(path))

    def _count_ended(self) -> int:
        # The log of a module is empty until it has ended.
        return sum(entry["Key"].endswith(".log") and entry["Size"] > 0 for entry in self._objects())

    def _objects(self) -> list[dict[str, Any]]:
        pages = self.target.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [entry for page in pages for entry in page.get("Contents", [])]
