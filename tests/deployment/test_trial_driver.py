"""The trial's driver on a running embedded stack, with a stand-in for Terraform: so it runs on any machine.

``test_trial`` does the same with Terraform itself.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.trial import stage
from deploy.trial.remains import remains
from deploy.trial.stage import LAYERS, Stage, new_name
from deploy.trial.target import Target
from tests.deployment.fake_terraform import FakeTerraform, until
from tests.deployment.trials import ROOT

VPC = {"vpc_id": "vpc-0", "function_subnet_ids": [], "store_subnet_ids": [], "function_security_group_id": ""}


@pytest.fixture(scope="module")
def target(stack) -> Target:
    return Target.choose(None, Path(stack.data_dir))


@dataclass
class Driver:
    """Begins trials, each in ``directory``, as users do."""

    directory: Path
    target: Target
    environment: dict[str, str]
    name: str

    def begin(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                sys.executable, "-m", "deploy.trial", "run", "--embedded", self.target.data_dir,
                "--directory", self.directory, "--packages", self.directory / "packages",
                "--network", f"net-{self.name}", "--name", self.name, "--modules", "test_service.py",
                *options,
            ],
            cwd=ROOT, env=os.environ | self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *options: str) -> tuple[int, str]:
        """Its exit code, and what it said."""
        trial = self.begin(*options)
        said, _ = trial.communicate(timeout=120)
        return trial.returncode, said

    @property
    def folder(self) -> Path:
        return self.directory / self.name


@pytest.fixture
def fake(tmp_path) -> FakeTerraform:
    return FakeTerraform(tmp_path / "fake")


@pytest.fixture
def driver(tmp_path, target, fake) -> Driver:
    environment: dict[str, str] = {}
    FakeTerraform.install(fake.folder, environment.__setitem__)
    name = new_name()
    fake.gives("network", network=VPC)
    (tmp_path / "packages").mkdir()
    for package in ("deployment", "tests", *(f"layer-{layer}" for layer in LAYERS)):
        (tmp_path / "packages" / f"{package}.zip").write_bytes(b"a zip")
    return Driver(tmp_path, target, environment, name)


@pytest.fixture
def suite(stack, target, fake):
    """A state machine in place of the deployment's, which says what the test wants at once."""
    states, s3 = target.client("stepfunctions"), target.client("s3")
    role = states.describe_state_machine(stateMachineArn=stack.state_machines["link"])["roleArn"]
    bucket = f"results-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="results.xml", Body=b"<testsuites/>")

    def says(*, failures: int) -> None:
        totals = {"tests": 3, "failures": failures, "errors": 0, "skipped": 0, "failed_modules": []}
        machine = states.create_state_machine(
            name=bucket,
            roleArn=role,
            definition=json.dumps(
                {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": totals, "End": True}}}
            ),
        )
        arn = machine["stateMachineArn"]
        fake.gives("deployment-test", state_machine_arn=arn, results_bucket_name=bucket)

    return says


def test_a_suite_that_passes_is_a_success(driver, suite, fake):
    suite(failures=0)

    code, said = driver.run()

    assert code == 0, said
    assert "passed: 3 tests, 0 failed" in said
    assert fake.called("deployment-test")[-2:] == ["destroy", "state"]


def test_a_suite_that_fails_is_a_failure_and_destroyed_all_the_same(driver, suite, fake):
    suite(failures=1)

    code, said = driver.run()

    assert code == 1, said
    assert "failed: 3 tests, 1 failed" in said
    assert "destroy" in fake.called("deployment-test")
    assert not driver.folder.exists()
    assert remains(driver.target, driver.name) == []


def test_the_archive_has_the_results_and_what_went_wrong(driver, suite):
    suite(failures=1)

    driver.run()

    name = driver.name
    with tarfile.open(driver.directory / f"{name}.tar.gz") as archive:
        names = archive.getnames()
        summary = json.loads(archive.extractfile(f"{name}/summary.json").read())
    assert {f"{name}/results.xml", f"{name}/terraform.log"} <= set(names)
    assert summary["totals"]["failures"] == 1


def test_one_that_is_interrupted_in_the_middle_is_destroyed(driver, fake):
    fake.hang("deployment-test")
    trial = driver.begin()
    until(lambda: fake.hangs)

    trial.send_signal(signal.SIGINT)
    said, _ = trial.communicate(timeout=120)

    assert trial.returncode == 1, said
    assert "stopping: SIGINT" in said
    assert fake.called("deployment-test")[1:4] == ["apply", "interrupted", "init"]
    assert "destroy" in fake.called("deployment-test")
    assert not driver.folder.exists()


def test_one_whose_guard_is_killed_is_destroyed_by_its_worker(driver, fake):
    fake.hang("deployment-test")
    trial = driver.begin()
    until(lambda: fake.hangs)

    trial.send_signal(signal.SIGKILL)
    said, _ = trial.communicate(timeout=120)

    assert "stopping: whoever started the trial is gone" in said
    assert "destroy" in fake.called("deployment-test")
    assert not driver.folder.exists()


def test_one_whose_network_takes_too_long_makes_nothing(driver, fake):
    fake.hang("network")

    code, said = driver.run("--limit-minutes", "0.05", "--reserve-minutes", "0.01")

    assert code == 1
    assert "out of time" in said
    assert fake.called("deployment-test") == []


def test_a_missing_package_is_named_before_anything_is_made(driver, fake):
    (driver.directory / "packages" / "tests.zip").unlink()

    code, said = driver.run()

    assert code == 1
    assert "tests.zip is missing: run `python -m deploy.package --tests`" in said
    assert "apply" not in fake.called("deployment-test")


def test_two_trials_are_not_on_one_network(driver, fake, target):
    ec2 = target.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    fake.gives("network", network=VPC | {"vpc_id": vpc_id})
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        ServiceName=f"com.amazonaws.{target.region}.sts",
        VpcEndpointType="Interface",
        TagSpecifications=[
            {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Trial", "Value": "anonlink-t-ffffffff"}]}
        ],
    )["VpcEndpoint"]["VpcEndpointId"]

    code, said = driver.run()

    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    ec2.delete_vpc(VpcId=vpc_id)
    assert code == 1
    assert "anonlink-t-ffffffff is on the network" in said
    assert "apply" not in fake.called("deployment-test")


def test_what_terraform_knows_nothing_of_is_found_by_its_name(driver, target, monkeypatch):
    for name, value in driver.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stage, "_LAG_SECONDS", 0)
    s3, bucket = target.client("s3"), f"{driver.name}-forgotten"
    made = Stage(driver.name, driver.directory, target)
    made.prepare(ROOT, driver.directory / "packages", VPC, concurrency=2)
    s3.create_bucket(Bucket=bucket)

    left = made.destroy()

    assert left == [f"s3 {bucket}"]
    assert made.folder.exists()

    s3.delete_bucket(Bucket=bucket)
    assert made.destroy() == []
    assert not made.folder.exists()
