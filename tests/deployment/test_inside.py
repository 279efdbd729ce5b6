"""The contract suite as a Lambda function: in the embedded stack, with the zip that is deployed.

What passes, fails, hangs or dies there is told, and the function may touch nothing but its bucket.
"""

from __future__ import annotations

import io
import json
import socket
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from junitparser import JUnitXml

from deploy.archives import pack
from deploy.suite import pack_code
from tests import inside
from tests.contract.service import Service
from tests.integration.service import admin_store

ROOT = Path(__file__).parents[2]
BUCKET = "results-of-tests"
# Modules beside the real ones.
MODULES = {
    "test_mixed.py": """
import pytest

def test_it_passes():
    pass

def test_it_fails():
    assert 1 == 2, "one is not two"

def test_it_is_skipped():
    pytest.skip("not here")
""",
    "test_empty.py": "",
    "test_broken.py": "import nothing_of_this_name\n",
    "test_hanging.py": """
import time

def test_it_passes():
    pass

def test_it_hangs():
    time.sleep(600)
""",
    "test_stubborn.py": """
import signal, time

def test_it_cannot_be_interrupted():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(600)
""",
    "test_killing.py": """
import os, signal

def test_it_kills_the_function():
    os.kill(os.getppid(), signal.SIGKILL)
""",
}
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> bytes:
    tree, path = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("zip") / "tests.zip"
    pack_code(ROOT, tree, path)
    for name, text in MODULES.items():
        (tree / "tests" / "contract" / name).write_text(text)
    pack(tree, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def results(stack) -> Any:
    """An S3 client; the bucket is there."""
    client = admin_store(stack)
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def call(stack, code, results) -> Call:
    """Call a handler with an event; the function is made at its first call."""
    made: set[str] = set()
    keys = {
        "aws_access_key_id": stack.aws_access_key_id,
        "aws_secret_access_key": stack.aws_secret_access_key,
    }
    session = boto3.Session(region_name=stack.region, **keys)
    config = Config(read_timeout=300, retries={"total_max_attempts": 1}, proxies={})
    iam, functions = (
        session.client(name, endpoint_url=stack.aws_endpoint_url, config=config) for name in ("iam", "lambda")
    )

    def make(name: str, handler: str, server: str, timeout: int) -> None:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*PERMISSIONS[handler]))
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler=f"tests.inside.{handler}",
            Timeout=timeout,
            MemorySize=1769,
            Environment={"Variables": {"SERVER": server, "RESULTS_BUCKET": BUCKET}},
            Code={"ZipFile": code},
        )

    def answer(handler: str, event: dict[str, Any], server: str = stack.api_url, timeout: int = 300) -> Any:
        name = f"suite-{handler.replace('_', '-')}-{server.rsplit(':', 1)[1]}-{timeout}"
        if name not in made:
            make(name, handler, server, timeout)
            made.add(name)
        answered = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answered["Payload"].read())
        return {"error": payload} if "FunctionError" in answered else payload

    return answer


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str, resource: str = "") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [f"arn:aws:s3:::{BUCKET}{resource}"]}


PERMISSIONS = {
    "run_module": [allow("s3:PutObject", "/results/*")],
    "collect": [
        allow("s3:GetObject", "/results/*"),
        allow("s3:PutObject", "/results.xml"),
        allow("s3:ListBucket"),
    ],
}


def numbers(tests: int, failures: int = 0, errors: int = 0, skipped: int = 0) -> dict[str, int]:
    return {"tests": tests, "failures": failures, "errors": errors, "skipped": skipped}


def report(results: Any, key: str) -> JUnitXml:
    return JUnitXml.fromstring(text(results, key).encode())


def text(results: Any, key: str) -> str:
    return results.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def messages(report: JUnitXml) -> list[str]:
    return [result.message for suite in report for case in suite for result in case.result]


@pytest.fixture(scope="module")
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
def test_modules_of_the_contract_pass_and_are_joined(call, results):
    modules = ["test_service.py", "test_estimate.py", "test_credentials.py"]

    outcomes = [call("run_module", {"module": module}) for module in modules]
    joined = call("collect", {"modules": modules, "results": outcomes})

    counts = [outcome["tests"] for outcome in outcomes]
    assert outcomes == [
        {"module": module, **numbers(count)} for module, count in zip(modules, counts, strict=True)
    ]
    assert min(counts) > 1
    assert joined == numbers(sum(counts)) | {"failed_modules": []}
    whole = report(results, "results.xml")
    assert [(suite.name, suite.tests) for suite in whole] == list(zip(modules, counts, strict=True))
    assert "passed" in text(results, "results/test_service.log")


def test_what_fails_is_told_each_time_anew(call, results):
    outcomes = [call("run_module", {"module": "test_mixed.py"}) for _ in range(2)]

    assert outcomes == [{"module": "test_mixed.py", **numbers(3, failures=1, skipped=1)}] * 2
    assert "one is not two" in text(results, "results/test_mixed.log")
    assert any("one is not two" in message for message in messages(report(results, "results/test_mixed.xml")))


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("test_empty.py", "there was no test in it"),
        ("test_broken.py", "could not be imported"),
        ("test_not_there.py", "is there such a module?"),
    ],
)
def test_a_module_without_tests_is_an_error(call, results, module, reason):
    outcome = call("run_module", {"module": module})

    assert outcome["errors"] >= 1
    assert any(reason in message for message in messages(report(results, f"results/{module[:-3]}.xml")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "kept", "is_interrupted"),
    [("test_hanging.py", 1, True), ("test_stubborn.py", 0, False)],
    ids=["interrupted", "killed"],
)
def test_a_module_that_hangs_is_stopped_while_there_is_time_to_tell(
    call, results, module, kept, is_interrupted
):
    outcome = call("run_module", {"module": module}, timeout=32)

    assert outcome == {"module": module, **numbers(kept + 1, errors=1)}
    (message,) = messages(report(results, f"results/{module[:-3]}.xml"))
    assert "the module did not end within" in message
    assert ("KeyboardInterrupt" in text(results, f"results/{module[:-3]}.log")) == is_interrupted


@pytest.mark.slow
def test_a_service_that_does_not_answer_is_an_error_before_the_function_ends(call, results, silent_server):
    outcome = call("run_module", {"module": "test_runs.py"}, silent_server, timeout=30)

    assert outcome == {"module": "test_runs.py", **numbers(1, errors=1)}
    (message,) = messages(report(results, "results/test_runs.xml"))
    assert f"the service at {silent_server} was not ready within" in message
    assert "timed out" in message
    assert text(results, "results/test_runs.log") == message


def test_a_function_that_dies_and_a_module_without_a_report_are_errors(call, results):
    died = call("run_module", {"module": "test_killing.py"})
    joined = call("collect", {"modules": ["test_killing.py", "test_never_called.py"]})

    assert died.keys() == {"error"}
    assert joined == numbers(2, errors=2) | {"failed_modules": ["test_killing.py", "test_never_called.py"]}
    ended, missing = messages(report(results, "results.xml"))
    assert ended == "the function ended before the suite did"
    assert "NoSuchKey" in missing


def test_all_modules_of_the_contract_run_inside_but_those_with_a_reason():
    contract = {path.name for path in (ROOT / "tests" / "contract").glob("test_*.py")}

    assert set(inside.modules()) == contract - inside.NOT_INSIDE.keys()
    assert inside.NOT_INSIDE.keys() <= contract


def test_nothing_that_is_not_needed_is_packed(code):
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        names = {name for name in archive.namelist() if "__pycache__" not in name}

    assert {name.split("/")[0] for name in names} == {"chalicelib", "pyproject.toml", "tests"}
    assert {name.split("/")[1] for name in names if name.startswith("tests/")} == {
        "__init__.py", "conftest.py", "contract", "inside", "oracle.py", "unit",
    }  # fmt: skip


def test_a_service_is_ready_when_an_upload_can_begin(stack):
    before = Service(stack.api_url).call("GET", "/status").json()["project_count"]

    assert inside.readiness.wait(stack.api_url, 60) < 60

    assert Service(stack.api_url).call("GET", "/status").json()["project_count"] == before


def test_a_service_that_refuses_is_not_ready(stack):
    with pytest.raises(inside.readiness.NotReady, match="was answered 404"):
        inside.readiness.wait(f"{stack.api_url}/nowhere", 1)
