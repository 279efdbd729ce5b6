"""One trial from end to end, in a process of its own: whatever ends it early, it cleans up.

``guard`` starts it, and cleans up in its place if it is killed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.trial import logs
from deploy.trial.errors import Stopped, TrialError
from deploy.trial.limits import Watch
from deploy.trial.network import Network
from deploy.trial.progress import Progress
from deploy.trial.stage import Stage
from deploy.trial.suite import Suite, Totals, all_modules
from deploy.trial.target import Target

PASSED, FAILED, LEFT_OVER = 0, 1, 3  # exit codes; 2 is argparse's


@dataclass(frozen=True)
class Plan:
    """What to try. ``modules`` empty: all; ``concurrency`` None: what the account allows."""

    name: str
    directory: Path
    target: Target
    root: Path
    packages: Path
    network: str
    network_state_bucket: str | None
    plugin_dir: Path | None
    modules: Sequence[str]
    concurrency: int | None

    @property
    def archive(self) -> Path:
        return self.directory / f"{self.name}.tar.gz"


class Worker:
    """Runs ``plan`` within the limits of ``watch``."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self._plan = plan
        self._watch = watch
        self._progress = Progress(watch)
        self._stage = Stage(plan.name, plan.directory, plan.target, plan.plugin_dir)
        self._suite: Suite | None = None

    def run(self) -> int:
        """Returns the exit code: PASSED only if all tests passed and nothing is left."""
        totals, problem = None, ""
        try:
            totals = self._try_out()
        except (TrialError, Stopped) as error:
            problem = str(error)
        except BaseException as error:
            problem = repr(error)
            raise
        finally:
            left = self._clean_up(totals, problem)
        return self._report(totals, problem, left)

    def _try_out(self) -> Totals:
        plan, progress, watch = self._plan, self._progress, self._watch
        progress.say(f"trial {plan.name} in {plan.target.region}, account {plan.target.account()}")
        modules = plan.modules or all_modules()
        progress.begin(f"the network {plan.network}, which stays and costs nothing")
        network = Network(
            plan.network, plan.target, plan.directory, plan.root, plan.plugin_dir, plan.network_state_bucket
        ).ensure(watch)
        progress.begin("deploying")
        self._stage.prepare(plan.root, plan.packages, network, plan.concurrency or self._concurrency())
        self._suite = self._stage.deploy(watch, self._show)
        progress.begin("testing")
        return self._suite.run(modules, watch, self._show)

    def _concurrency(self) -> int:
        # A new account has ten functions at a time, for the tests and for what they call.
        limit = self._plan.target.client("lambda").get_account_settings()["AccountLimit"]
        return 2 if limit["ConcurrentExecutions"] < 100 else 8

    def _clean_up(self, totals: Totals | None, problem: str) -> list[str]:
        if problem:
            self._progress.say(f"stopping: {problem}")
        if not self._stage.folder.exists():
            return []
        self._progress.begin("fetching results and logs")
        try:
            self._archive(totals, problem)
        except Exception as error:  # nothing may keep it from being destroyed
            self._progress.say(f"no archive: {error!r}")
        self._progress.begin("destroying")
        return self._stage.destroy(self._show)

    def _archive(self, totals: Totals | None, problem: str) -> None:
        plan, folder = self._plan, self._stage.folder / "archive"
        folder.mkdir()
        summary = {"trial": plan.name, "problem": problem, "totals": totals and vars(totals)}
        (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        log = self._stage.terraform.log
        if log.exists():
            (folder / log.name).write_bytes(log.read_bytes())
        try:
            if self._suite:
                self._suite.fetch(folder)
            logs.Logs(plan.target, plan.name, folder, self._watch).fetch()
        finally:
            logs.pack(folder, plan.archive)

    def _show(self, detail: str) -> None:
        self._progress.detail = detail
        self._watch.show()

    def _report(self, totals: Totals | None, problem: str, left: Sequence[str]) -> int:
        say = self._progress.say
        if totals:
            say(f"{'passed' if totals.passed else 'failed'}: {totals}")
        if problem:
            say(f"failed: {problem}")
        if self._plan.archive.exists():
            say(f"results and logs: {self._plan.archive}")
        if left:
            say(f"NOT DESTROYED: {', '.join(left)}. Try `python -m deploy.trial clean`")
            return LEFT_OVER
        say("nothing is left but the network")
        return PASSED if totals and totals.passed else FAILED
