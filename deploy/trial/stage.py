"""The deployment of one trial: what it is given, how it is made, and how nothing of it is left.

Its folder holds all that destroying takes, so that whoever finds the folder can do it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy.trial import logs
from deploy.trial.errors import TrialError
from deploy.trial.limits import Watch
from deploy.trial.remains import remains
from deploy.trial.suite import Suite
from deploy.trial.target import Target
from deploy.trial.terraform import Terraform

NAME_PREFIX = "anonlink-t-"
LAYERS = ("base", "linking", "tests")
_LAG_SECONDS = 120  # for AWS's lists to forget what is gone


def new_name() -> str:
    """No two trials share one."""
    return NAME_PREFIX + secrets.token_hex(4)


@dataclass(frozen=True)
class Stage:
    """The trial ``name``, in the folder ``name`` of ``directory``."""

    name: str
    directory: Path
    target: Target
    plugin_dir: Path | None = None

    @classmethod
    def find(cls, directory: Path) -> list[Stage]:
        """Those that have a folder: of trials that are under way, or were killed."""
        found = sorted(directory.glob(f"{NAME_PREFIX}*/target.json"))
        return [cls.read(path.parent) for path in found]

    @classmethod
    def read(cls, folder: Path) -> Stage:
        """Raises FileNotFoundError for a trial that had not begun to make anything."""
        plugin_dir = json.loads((folder / "plugin_dir.json").read_text())
        target = Target.read(folder / "target.json")
        return cls(folder.name, folder.parent, target, Path(plugin_dir) if plugin_dir else None)

    @property
    def folder(self) -> Path:
        return self.directory / self.name

    @property
    def terraform(self) -> Terraform:
        return Terraform(self.folder, "deployment-test", self.target.environment(), self.plugin_dir)

    def prepare(self, root: Path, packages: Path, network: Mapping[str, Any], concurrency: int) -> None:
        """Fill the folder. Raises TrialError if a package is missing."""
        self.folder.mkdir(parents=True, mode=0o700)
        plugin_dir = str(self.plugin_dir.resolve()) if self.plugin_dir else None
        (self.folder / "plugin_dir.json").write_text(json.dumps(plugin_dir))
        self.target.write(self.folder / "target.json")
        variables = {
            "name_prefix": self.name,
            "region": self.target.region,
            "network": network,
            "packages": {
                "code": self._keep(packages / "deployment.zip"),
                "tests": self._keep(packages / "tests.zip"),
                "layers": {layer: self._keep(packages / f"layer-{layer}.zip") for layer in LAYERS},
            },
            "concurrency": concurrency,
            "emulator": self.target.emulator(self.name),
        }
        self.terraform.copy(root, variables)

    def deploy(self, watch: Watch, show: Callable[[str], None]) -> Suite:
        """Raises TrialError or Stopped, and then a part of it is there."""
        self.target.create_database(self.name)
        terraform = self.terraform
        terraform.apply(watch, show)
        return Suite(
            self.target, terraform.output("state_machine_arn"), terraform.output("results_bucket_name")
        )

    def destroy(self, show: Callable[[str], None] = lambda _: None) -> list[str]:
        """Returns what is left all the same, and why; the folder goes when that is nothing."""
        left: list[str] = []
        try:
            groups = logs.groups(self.target, self.name)
            self.terraform.destroy(show)
            logs.delete_groups(self.target, groups)
            self.target.drop_database(self.name)
            left = [*self.terraform.resources(), *remains(self.target, self.name, _LAG_SECONDS)]
        except (TrialError, BotoCoreError, ClientError) as error:
            left = [str(error)]
        if not left:
            shutil.rmtree(self.folder)
        return left

    def _keep(self, package: Path) -> str:
        """A copy that a later build doesn't change: also destroying reads it."""
        kept = self.folder.resolve() / "packages" / package.name
        kept.parent.mkdir(exist_ok=True)
        try:
            os.link(package, kept)
        except FileNotFoundError:
            raise TrialError(f"{package} is missing: run `python -m deploy.package --tests`") from None
        except OSError:  # another file system
            shutil.copy(package, kept)
        return str(kept)
