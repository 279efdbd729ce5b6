"""The AWS emulator: says how to run MiniStack, with IAM enforced and its state in the data directory.

It runs in ``launcher``, a process of ours around its application: a part of the embedded stack, or alone in
a container. Nothing of the user's own AWS settings reaches it or the functions that it starts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from localstack.probe import answers
from localstack.settings import (
    ACCESS_KEY,
    ACCOUNT,
    HOST,
    NAME_PREFIX,
    REGION,
    SECRET_KEY,
    SOURCE_DIR,
    Settings,
)
from localstack.supervisor import Part
from localstack.target import API_STAGE

_COMMAND = [sys.executable, "-m", "localstack.launcher"]
_MAX_THREADS = 512  # an API request holds one while it waits for its function, which needs others
_CPUS = os.cpu_count() or 1


def part(settings: Settings) -> Part:
    """How to run the emulator and the API's own port."""
    return Part(
        name="emulator",
        command=_COMMAND,
        environment=_environment(settings.data_dir, HOST, HOST, settings.emulator_port, settings.api_port),
        is_ready=lambda: answers(f"{settings.endpoint_url}/_ministack/health", 2),
    )


def run_alone(data_dir: Path, host: str, bind_host: str, port: int, api_port: int) -> NoReturn:
    """Become the emulator. It listens at ``bind_host``, and everybody calls it ``host``."""
    environment = _environment(data_dir, host, bind_host, port, api_port)
    os.execve(_COMMAND[0], _COMMAND, environment)


def _environment(data_dir: Path, host: str, bind_host: str, port: int, api_port: int) -> dict[str, str]:
    directory = data_dir / "emulator"
    for name in ("state", "s3", "tmp"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return inherited | {
        "PYTHONPATH": str(SOURCE_DIR),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(directory / "tmp"),
        # MiniStack's own
        "AUTH": "true",
        "BIND_HOST": bind_host,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": host,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_WORKER_THREADS": str(_MAX_THREADS),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(directory / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(directory / "s3"),
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",  # bounded in patches.py, by waiting instead of refusing
        "LAMBDA_WARM_TTL_SECONDS": "60",
        "LOG_LEVEL": os.environ.get("EMULATOR_LOG_LEVEL", "WARNING"),
        # for the functions: nothing but the role that they run as, and nothing by way of a proxy
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": host,
        "no_proxy": host,
        # ours
        "LAUNCHER_API_PORT": str(api_port),
        "LAUNCHER_API_PREFIX": f"/restapis/{NAME_PREFIX}/{API_STAGE}/_user_request_",
        "LAUNCHER_API_CONCURRENCY": str(max(8, 4 * _CPUS)),
        "LAUNCHER_FUNCTION_CONCURRENCY": str(_CPUS + 2),
        "LAUNCHER_LOGS_DIR": str(data_dir / "logs"),
        "LAUNCHER_NAME_PREFIX": f"{NAME_PREFIX}-",
    }
