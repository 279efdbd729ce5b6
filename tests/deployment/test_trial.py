"""Whole trials against the emulator: the very Terraform modules, applied, tested from inside, destroyed.

They wait more than they work, so all of them are under way at the same time. Skipped where Terraform or its
AWS provider isn't (``test_terraform`` says where they are looked for).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.trial.remains import remains
from deploy.trial.target import Target
from tests.deployment.test_terraform import plugin_dir
from tests.deployment.trials import ROOT, Trial, has_terraform, packages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_terraform(), reason="terraform is not on PATH"),
    pytest.mark.skipif(plugin_dir() is None, reason="Terraform's AWS provider is not here"),
]

APPLYING = 'aws_lambda_function.this["compare"]: Creat'  # well into it: roles and functions are there


@dataclass
class Trials:
    whole: Trial
    worker_killed: Trial
    both_killed: Trial
    told_to_stop: Trial
    out_of_time: Trial


@pytest.fixture(scope="module")
def target(stack) -> Target:
    return Target.choose(None, Path(stack.data_dir))


@pytest.fixture(scope="module")
def trials(stack, tmp_path_factory) -> Iterator[Trials]:
    """All of them, begun; those that are to be killed are, in the middle of deploying."""
    folder = tmp_path_factory.mktemp("trials")
    plugins = plugin_dir()
    assert plugins is not None
    packed = packages(folder / "packages")
    names: dict[str, Trial] = {}

    def begin(name: str, *options: str) -> Trial:
        names[name] = Trial.begin(folder / name, stack, packed, plugins, *options)
        return names[name]

    whole = begin("whole", "--modules", "test_service.py", "test_linking.py")
    others = [
        begin("worker-killed"), begin("both-killed"), begin("told-to-stop"),
        begin("out-of-time", "--limit-minutes", "1.5", "--reserve-minutes", "0.75"),
    ]  # fmt: skip
    for trial in others[:3]:
        trial.wait_for(APPLYING)
    worker_killed, both_killed, told_to_stop, out_of_time = others
    worker_killed.kill(worker_killed.worker())
    both_killed.kill(both_killed.worker(), both_killed.process.pid)
    told_to_stop.process.send_signal(signal.SIGTERM)
    yield Trials(whole, worker_killed, both_killed, told_to_stop, out_of_time)
    for trial in names.values():
        if trial.process.poll() is None:
            trial.process.send_signal(signal.SIGTERM)
            trial.end()


def test_one_that_is_let_be_passes_and_leaves_results_and_logs(trials, target):
    trial = trials.whole
    assert trial.end() == 0, trial.output
    assert "nothing is left but the network" in trial.output

    (path,) = trial.directory.glob("anonlink-t-*.tar.gz")
    with tarfile.open(path) as archive:
        files = {member.name.partition("/")[2]: member.size for member in archive.getmembers()}
        name = path.name.removesuffix(".tar.gz")
        results = ET.fromstring(archive.extractfile(f"{name}/results.xml").read())
    assert int(results.get("tests")) > 20
    assert (results.get("failures"), results.get("errors")) == ("0", "0")
    assert {f"logs/aws_lambda_{name}-{each}.log" for each in ("api", "plan", "test_module")} <= set(files)
    assert files[f"logs/aws_lambda_{name}-api.log"] > 1_000
    assert any(file.startswith("executions/link/") for file in files)
    assert remains(target, name) == []


def test_one_whose_worker_is_killed_is_destroyed_by_its_guard(trials, target):
    trial = trials.worker_killed
    code = trial.end()

    assert code == 1, trial.output
    assert "was killed by SIGKILL: cleaning up" in trial.output
    assert nothing_is_left(trial, target)


def test_one_that_is_killed_whole_is_destroyed_by_whoever_cleans_up(trials, target):
    trial = trials.both_killed
    trial.end()
    name = trial.name
    assert remains(target, name)

    done = subprocess.run(
        [sys.executable, "-m", "deploy.trial", "clean", "--directory", trial.directory],
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: nothing is left" in done.stdout
    assert nothing_is_left(trial, target)


def test_one_that_is_told_to_stop_is_destroyed(trials, target):
    trial = trials.told_to_stop
    assert trial.end() == 1, trial.output

    assert "stopping: SIGTERM" in trial.output
    assert nothing_is_left(trial, target)


def test_one_that_is_out_of_time_is_destroyed(trials, target):
    trial = trials.out_of_time
    assert trial.end() == 1, trial.output

    assert "out of time" in trial.output
    assert nothing_is_left(trial, target)


def nothing_is_left(trial: Trial, target: Target) -> bool:
    return not trial.keeps_its_folder() and remains(target, trial.name) == []
