"""The command line: ``python -m localstack serve|run|status|stop|clean``, which the Makefile calls, and
``emulator|deploy|wait``, which containers do."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from localstack.errors import StackError
from localstack.settings import DEFAULT_API_PORT, DEFAULT_DATA_DIR, HOST, SOURCE_DIR


def main() -> int:
    arguments = _parser().parse_args()
    data_dir = Path(arguments.data_dir).resolve()
    _keep_proxies_away()
    try:
        _check_python()
        return int(arguments.command(data_dir, arguments))
    except (StackError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"error: the package {error.name} is missing: run `make setup`", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localstack", description="The embedded stack.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    data_dir = os.environ.get("DATA_DIR") or DEFAULT_DATA_DIR
    shared.add_argument("--data-dir", default=data_dir, help="where everything is kept (%(default)s)")
    starting = argparse.ArgumentParser(add_help=False)
    starting.add_argument("--source", type=Path, default=SOURCE_DIR, help="the checkout to deploy")

    command = commands.add_parser("serve", parents=[shared, starting], help="run in the foreground")
    command.add_argument(
        "--port", type=int, default=DEFAULT_API_PORT, help="the API's port; 0: any (%(default)s)"
    )
    command.add_argument("--parent", type=int, help="stop when this process is gone")
    command.set_defaults(command=_serve)
    command = commands.add_parser("run", parents=[shared, starting], help="run a command with the stack up")
    command.add_argument("--port", type=int, default=0, help="the API's port (any)")
    command.add_argument("words", nargs="+", metavar="WORD", help="the command, after --")
    command.set_defaults(command=_run)
    for name, function, text in (
        ("status", _status, "say what runs"),
        ("stop", _stop, "stop the stack; the data stays"),
        ("clean", _clean, "stop the stack and remove its data"),
    ):
        commands.add_parser(name, parents=[shared], help=text).set_defaults(command=function)

    command = commands.add_parser("emulator", parents=[shared], help="become the emulator, without stores")
    command.add_argument("--host", default=HOST, help="what everybody calls this host (%(default)s)")
    command.add_argument("--bind", default=HOST, help="the address to listen at (%(default)s)")
    command.add_argument("--port", type=int, default=4566, help="(%(default)s)")
    command.add_argument("--api-port", type=int, default=DEFAULT_API_PORT, help="(%(default)s)")
    command.set_defaults(command=_emulator)
    command = commands.add_parser(
        "deploy",
        parents=[starting],
        help="deploy to an emulator that runs; the environment says where the stores are, as to a function",
    )
    command.add_argument("--endpoint-url", required=True, help="the emulator, as everybody calls it")
    command.add_argument("--package", type=Path, help="what `make package` built, for functions to carry")
    command.set_defaults(command=_deploy, data_dir=DEFAULT_DATA_DIR)
    command = commands.add_parser("wait", help="wait for the API")
    command.add_argument("server", help="the URL before /api/v1")
    command.add_argument("--seconds", type=float, default=120, help="at most (%(default)s)")
    command.set_defaults(command=_wait, data_dir=DEFAULT_DATA_DIR)
    return parser


# Each command imports what it needs: `status` and `stop` work, and answer at once, without the packages.


def _serve(data_dir: Path, arguments: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from localstack.service import serve

    try:
        serve(data_dir, arguments.port, arguments.source.resolve(), arguments.parent)
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"deploying failed: {error} (see {data_dir}/logs/supervisor.log)") from error
    return 0


def _run(data_dir: Path, arguments: argparse.Namespace) -> int:
    from localstack.stack import running

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the `with`, which stops the stack
    with running(data_dir, arguments.port, source=arguments.source.resolve(), reuse=True):
        try:
            return subprocess.run(arguments.words, check=False).returncode
        except KeyboardInterrupt:
            return 130


def _status(data_dir: Path, _arguments: argparse.Namespace) -> int:
    from localstack.stack import Stack, is_alive

    stack = Stack.read(data_dir)
    print(f"API        {stack.api_url}/api/v1")
    for name, pid in {"supervisor": stack.pid, **stack.pids}.items():
        print(f"{name:<10} {'up' if is_alive(pid) else 'down'} (process {pid})")
    print(f"logs       {stack.logs_dir}")
    return 0


def _stop(data_dir: Path, _arguments: argparse.Namespace) -> int:
    from localstack.stack import stop

    print("stopped" if stop(data_dir) else f"no stack runs on {data_dir}")
    return 0


def _clean(data_dir: Path, _arguments: argparse.Namespace) -> int:
    from localstack.stack import stop

    stop(data_dir)
    if not data_dir.exists():
        return 0
    if any(data_dir.iterdir()) and not (data_dir / "supervisor.lock").exists():
        raise StackError(f"{data_dir} is no data directory of a stack: left alone")
    shutil.rmtree(data_dir)
    return 0


def _emulator(data_dir: Path, arguments: argparse.Namespace) -> int:
    from localstack.emulator import run_alone

    run_alone(data_dir, arguments.host, arguments.bind, arguments.port, arguments.api_port)


def _deploy(_data_dir: Path, arguments: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from localstack.deploy import Deployer
    from localstack.target import emulated, stated

    source = arguments.source.resolve()
    target = emulated(arguments.endpoint_url, stated(os.environ, source), source, arguments.package)
    try:
        api_id = Deployer(target).deploy()["rest_api_id"]
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"deploying to {target.endpoint_url} failed: {error}") from error
    print(f"deployed: {target.endpoint_url}/restapis/{api_id}/{target.api_stage}/_user_request_")
    return 0


def _wait(_data_dir: Path, arguments: argparse.Namespace) -> int:
    from localstack.probe import await_answer

    await_answer(f"{arguments.server}/api/v1/status", arguments.seconds)
    return 0


def _check_python() -> None:
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:2]))
        raise StackError(
            f"Python 3.11 is needed, this is {found}: anonlink has wheels for nothing else. "
            "Install it, or name it: make PYTHON=/path/to/python3.11 …"
        )


def _keep_proxies_away() -> None:
    """Nothing here leaves the machine, whatever proxy the user has set for the rest."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), HOST, "localhost"]))


if __name__ == "__main__":
    sys.exit(main())
