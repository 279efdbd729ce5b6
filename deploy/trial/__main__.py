"""``python -m deploy.trial [run|network|clean]``; ``--help`` tells the options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.trial.errors import TrialError
from deploy.trial.guard import clean, guard
from deploy.trial.limits import Watch
from deploy.trial.network import Network
from deploy.trial.stage import Stage, new_name
from deploy.trial.target import Target
from deploy.trial.worker import FAILED, PASSED, Plan, Worker

_ROOT = Path(__file__).parents[2]
_NETWORK_MINUTES = 60  # Lambda's network interfaces may take 45 to go


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 passed, 1 failed, 2 wrong arguments, 3 something is left."""
    commands = ("run", "network", "clean", "-h", "--help")
    arguments = arguments if arguments and arguments[0] in commands else ["run", *arguments]
    options = _parser().parse_args(arguments)
    try:
        if options.command == "clean":
            return _clean(options.directory)
        if options.command == "network":
            return _network(options)
        if options.lifeline is None:
            name = options.name or new_name()
            return guard([*arguments, "--name", name], options.directory.resolve() / name, Path.cwd())
        return _work(options)
    except TrialError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED


def _work(options: argparse.Namespace) -> int:
    watch = Watch(options.limit_minutes * 60, options.reserve_minutes * 60, options.lifeline)
    watch.stop_at_signals()
    plan = Plan(
        name=options.name,
        directory=options.directory.resolve(),
        target=Target.choose(options.region, options.embedded),
        root=_ROOT,
        packages=options.packages,
        network=options.network,
        network_state_bucket=options.network_state_bucket,
        plugin_dir=options.plugin_dir,
        modules=options.modules,
        concurrency=options.concurrency,
    )
    return Worker(plan, watch).run()


def _network(options: argparse.Namespace) -> int:
    network = Network(
        options.network,
        Target.choose(options.region, options.embedded),
        options.directory.resolve(),
        _ROOT,
        options.plugin_dir,
        options.network_state_bucket,
    )
    if options.destroy:
        network.destroy()
        return PASSED
    made = network.ensure(Watch(_NETWORK_MINUTES * 60, 0))
    print(f"{options.network} is there: {made['vpc_id']}")
    return PASSED


def _clean(directory: Path) -> int:
    return max([clean(stage.folder) for stage in Stage.find(directory.resolve())], default=PASSED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.trial", description="Tries a whole deployment.")
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run", help="deploy, test from inside, fetch the logs, destroy (the default)")
    network = commands.add_parser("network", help="make the network that stays, or destroy it")
    cleaning = commands.add_parser("clean", help="destroy what killed trials have left")
    for command in (run, network, cleaning):
        command.add_argument(
            "--directory", type=Path, default=Path(".trial"), help="what trials keep (.trial)"
        )
    for command in (run, network):
        command.add_argument("--region", help="the region; AWS_REGION's if not given")
        command.add_argument(
            "--embedded", type=Path, metavar="DATA_DIR", help="the embedded stack that runs on it, not AWS"
        )
        command.add_argument("--network", default="anonlink-trials", help="name of the network that stays")
        command.add_argument("--network-state-bucket", help="S3 bucket for its Terraform state, not a folder")
        command.add_argument("--plugin-dir", type=Path, help="where Terraform finds its provider offline")
    network.add_argument("--destroy", action="store_true", help="destroy it, which may take 45 minutes")
    run.add_argument("--limit-minutes", type=float, default=30, help="for all, cleaning up included (30)")
    run.add_argument("--reserve-minutes", type=float, default=10, help="of these, to clean up (10)")
    run.add_argument("--modules", nargs="+", default=[], help="of tests/contract, not all")
    run.add_argument(
        "--concurrency", type=int, help="modules at a time; what the account allows if not given"
    )
    run.add_argument("--packages", type=Path, default=Path("build"), help="what deploy.package built (build)")
    run.add_argument("--name", help=argparse.SUPPRESS)
    run.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
