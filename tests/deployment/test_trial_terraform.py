"""How the trial's driver deals with Terraform, by a stand-in that any machine has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from deploy.trial import terraform as module
from deploy.trial.errors import Stopped, TrialError
from deploy.trial.limits import Watch
from deploy.trial.terraform import Terraform
from tests.deployment.fake_terraform import FakeTerraform, until
from tests.deployment.trials import ROOT


@pytest.fixture
def fake(tmp_path, monkeypatch) -> FakeTerraform:
    return FakeTerraform.install(tmp_path / "fake", monkeypatch.setenv)


@pytest.fixture
def terraform(tmp_path, fake, monkeypatch) -> Terraform:
    monkeypatch.setattr(module, "DESTROY_PAUSES_SECONDS", [0, 0])
    made = Terraform(tmp_path / "trial", "deployment-test", os.environ)
    made.copy(ROOT, {"name_prefix": "anonlink-t-00000000"})
    return made


def test_an_apply_that_is_stopped_gets_one_signal_and_writes_its_state(terraform, fake):
    fake.hang("deployment-test")
    watch = Watch(1800, 600)
    watch.show = lambda: watch.stop("enough") if fake.hangs else None

    with pytest.raises(Stopped, match="enough"):
        terraform.apply(watch)

    assert fake.calls[-1] == "deployment-test interrupted"
    assert terraform.resources() == ["aws_thing.half"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_an_apply_whose_trial_is_killed_writes_its_state_all_the_same(terraform, fake):
    fake.hang("deployment-test")
    code = (
        "import sys, os; from pathlib import Path\n"
        "from deploy.trial.limits import Watch; from deploy.trial.terraform import Terraform\n"
        "Terraform(Path(sys.argv[1]), 'deployment-test', os.environ).apply(Watch(1800, 600))"
    )
    trial = subprocess.Popen([sys.executable, "-c", code, terraform.folder], cwd=ROOT)
    until(lambda: fake.hangs)

    trial.send_signal(signal.SIGKILL)
    trial.wait()

    until(lambda: "deployment-test interrupted" in fake.calls)
    assert terraform.resources() == ["aws_thing.half"]


def test_what_cannot_be_destroyed_yet_is_tried_again(terraform, fake):
    terraform.apply(Watch(1800, 600))
    fake.refuse(2)

    terraform.destroy()

    assert [call.split()[1] for call in fake.calls if "destroy" in call] == ["destroy"] * 3
    assert terraform.resources() == []


def test_what_cannot_be_destroyed_at_all_is_told_with_the_reasons(terraform, fake):
    terraform.apply(Watch(1800, 600))
    fake.refuse(3)

    with pytest.raises(TrialError, match="destroy failed: it is still being made; so is that"):
        terraform.destroy()


def test_one_that_is_not_there_is_not_destroyed(terraform, fake):
    terraform.destroy()

    assert fake.calls == []


def test_a_missing_terraform_is_said_to_be_missing(terraform, tmp_path):
    nowhere = Terraform(terraform.folder, "deployment-test", {"PATH": str(tmp_path)})

    with pytest.raises(TrialError, match="Terraform is not on PATH"):
        nowhere.apply(Watch(1800, 600))


def test_its_folder_has_all_it_needs_for_its_owner_alone(terraform):
    source = terraform.folder / "source"

    assert terraform.folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in source.iterdir()} == {
        "terraform", "functions.yaml", "stepfunctions", "chalicelib",
    }  # fmt: skip
    assert [path for path in source.rglob("*") if ".tfstate" in path.name or path.name == ".terraform"] == []


def test_its_state_stays_when_the_modules_are_brought_up_to_date(terraform):
    terraform.apply(Watch(1800, 600))

    terraform.copy(ROOT, {"name_prefix": "anonlink-t-11111111"})

    assert terraform.resources() == ["aws_thing.this"]


def test_progress_is_counted_from_what_terraform_says(terraform, fake):
    told: list[str] = []
    fake.hang("deployment-test")
    watch = Watch(1800, 600)
    watch.show = lambda: watch.stop("enough") if len(told) > 1 else None

    with pytest.raises(Stopped):
        terraform.apply(watch, told.append)

    assert told[-1] == "1 of 2 resources"
