"""What a deployment said of itself: logs of its functions, state machines, API and stores; executions.

Each part is fetched for itself. What can't be had, or has no time left, is named in ``missing.txt``.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy.trial.limits import Watch
from deploy.trial.target import Target

_FUNCTIONS = "/aws/lambda/"
_GROUPS = (f"{_FUNCTIONS}{{}}-", "/aws/vendedlogs/states/{}-", "/aws/apigateway/{}/", "/aws/rds/instance/{}/")
_EXECUTION_GROUP = "API-Gateway-Execution-Logs_{}/"


def groups(target: Target, trial: str) -> list[str]:
    """The deployment's log groups that exist. Once its API is gone, one of them is found no more."""
    apis: Any = target.client("apigateway").get_paginator("get_rest_apis").paginate()
    ids = [api["id"] for api in apis.search("items[]") if api and api["name"] == trial]
    prefixes = [*(group.format(trial) for group in _GROUPS), *map(_EXECUTION_GROUP.format, ids)]
    pages = target.client("logs").get_paginator("describe_log_groups")
    found = (
        pages.paginate(logGroupNamePrefix=prefix).search("logGroups[].logGroupName") for prefix in prefixes
    )
    return [name for names in found for name in names if name]


def delete_groups(target: Target, names: Iterable[str]) -> None:
    """Remove groups that were made again: a service wrote its last lines after they were destroyed."""
    logs = target.client("logs")
    for name in names:
        try:
            logs.delete_log_group(logGroupName=name)
        except logs.exceptions.ResourceNotFoundException:
            continue


def pack(folder: Path, path: Path) -> None:
    """One archive of all that is in ``folder``."""
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=path.name.removesuffix(".tar.gz"))


@dataclass
class Logs:
    """Fetches into ``folder``, while ``watch`` leaves time."""

    target: Target
    trial: str
    folder: Path
    watch: Watch
    missing: list[str] = field(default_factory=list)

    def fetch(self) -> None:
        """Never fails for what the deployment or AWS does."""
        for group in self._try("log groups", partial(groups, self.target, self.trial)) or []:
            self._try(group, partial(self._fetch_group, group))
        for machine in self._try("state machines", self._state_machines) or []:
            self._try(machine, partial(self._fetch_executions, machine))
        self._try("events of the database", self._fetch_database_events)
        self._try("events of the cache", self._fetch_cache_events)
        if self.missing:
            self._write("missing.txt", "\n".join(self.missing) + "\n")

    def _try(self, what: str, fetch: Callable[[], Any]) -> Any:
        if not self.watch.may_fetch_logs:
            self.missing.append(f"{what}: no time left")
            return None
        try:
            return fetch()
        except (BotoCoreError, ClientError) as error:
            self.missing.append(f"{what}: {error}")
            return None

    def _fetch_group(self, group: str) -> None:
        name = f"logs/{_file_name(group)}.log"
        kept = self.target.function_log(group.rpartition("/")[2]) if group.startswith(_FUNCTIONS) else None
        self._write(name, self._events(group) if kept is None else kept)

    def _events(self, group: str) -> str:
        pages = self.target.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = []
        for page in pages:
            for event in page["events"]:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
                lines.append(f"{at} {event['logStreamName']} {event['message'].rstrip()}\n")
            if not self.watch.may_fetch_logs:
                self.missing.append(f"{group}: no time left for all of it")
                break
        return "".join(lines)

    def _state_machines(self) -> list[str]:
        pages = self.target.client("stepfunctions").get_paginator("list_state_machines").paginate()
        arns = (machine["stateMachineArn"] for page in pages for machine in page["stateMachines"])
        return [arn for arn in arns if f":{self.trial}-" in arn]

    def _fetch_executions(self, machine: str) -> None:
        states = self.target.client("stepfunctions")
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=machine):
            for execution in page["executions"]:
                if not self.watch.may_fetch_logs:
                    self.missing.append(f"{machine}: no time left for all executions")
                    return
                history = states.get_paginator("get_execution_history")
                arn = execution["executionArn"]
                events = [event for part in history.paginate(executionArn=arn) for event in part["events"]]
                name = f"{machine.rpartition('-')[2]}/{_file_name(execution['name'])}"
                told = {"status": execution["status"], "events": events}
                self._write(f"executions/{name}.json", _json(told))

    def _fetch_database_events(self) -> None:
        events = self.target.client("rds").describe_events(
            SourceType="db-instance", SourceIdentifier=self.trial, Duration=120
        )["Events"]
        self._write("logs/database-events.json", _json(events))

    def _fetch_cache_events(self) -> None:
        events = self.target.client("elasticache").describe_events(
            SourceType="replication-group", SourceIdentifier=self.trial, Duration=120
        )["Events"]
        self._write("logs/cache-events.json", _json(events))

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str) + "\n"  # times


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("_")
