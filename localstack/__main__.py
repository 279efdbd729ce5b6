"""The command line: ``python -m localstack serve|run|status|stop|clean``. The Makefile calls it."""

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
