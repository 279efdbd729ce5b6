"""The command line: ``python -m demo --stack .local/stack.json``. ``make run`` calls it.

Both parties, the project's owner and the judge who knows the truth are played by this one program;
in earnest they are different people, and nobody but a party itself sees its names.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from demo import encoding, febrl4, report
from demo.client import Client, Json, Project
from demo.display import Display
from demo.encoding import Encoder
from demo.errors import DemoError
from demo.febrl4 import Party

# The lowest at which no two different people are a candidate pair: at 0.725 three are, at 0.7 eighty.
DEFAULT_THRESHOLD = 0.75


@dataclass(frozen=True)
class Service:
    """Where the service is; the paths are None for one that is not on this machine."""

    api_url: str
    data_dir: Path | None = None
    logs_dir: str | None = None


def main() -> int:
    arguments = _parser().parse_args()
    try:
        _demonstrate(_service(arguments), arguments, Display())
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    stack = Path(os.environ.get("DATA_DIR") or ".local") / "stack.json"
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Link FEBRL4's two data sets through the service and compare the result with the truth.",
    )
    parser.add_argument(
        "--stack",
        type=Path,
        default=stack,
        help="where a running stack tells its address (%(default)s)",
    )
    parser.add_argument("--api-url", help="the address of any other service, without /api/v1")
    parser.add_argument("--threshold", type=_threshold, default=DEFAULT_THRESHOLD, help="(%(default)s)")
    parser.add_argument(
        "--result-type", choices=("groups", "similarity_scores"), default="groups", help="(%(default)s)"
    )
    parser.add_argument(
        "--records", type=_positive, metavar="N", help="only the first N people and their copies (all)"
    )
    parser.add_argument("--delete", action="store_true", help="delete the project at the end")
    return parser


def _threshold(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError("a threshold is above 0 and at most 1")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _service(arguments: argparse.Namespace) -> Service:
    if arguments.api_url:
        return Service(arguments.api_url)
    try:
        stack = json.loads(arguments.stack.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DemoError(
            f"There is no {arguments.stack}, so no stack is running: start one with `make serve`,"
            " or let `make run` do both."
        ) from None
    return Service(stack["api_url"], Path(stack["data_dir"]), stack["logs_dir"])


def _demonstrate(service: Service, arguments: argparse.Namespace, display: Display) -> None:
    client = Client(service.api_url)
    client.check()
    parties = febrl4.load(arguments.records)
    display.title(
        f"Linking FEBRL4: {len(parties[0].rows):,} people and a damaged copy of each",
        f"by the service at {client.api_url}/api/v1",
    )

    schema = encoding.read_schema()
    encodings = _encode(schema, parties, display)
    project = client.create_project("FEBRL4", schema, arguments.result_type)
    _upload(client, project, encodings, encoding.encoding_size_bytes(schema), display)
    run_id, status = _link(client, project, arguments.threshold, display)
    result = _download(client, project, run_id, display)

    expected = report.true_pairs(parties[0].entities, parties[1].entities)
    quality = report.assess(report.pairs_of_result(result), expected)
    display.quality(quality, arguments.threshold)
    speed = report.comparisons_per_second(status["total_number_comparisons"], status["stage_times"])
    closing = [("speed", f"{speed:,.0f} comparisons a second, with starting the workers")]
    if arguments.delete:
        client.delete(project)
        closing.append(("project", "deleted, with all it held"))
    else:
        closing.append(("project", project.project_id))
        closing += _kept_tokens(service, project, run_id)
    display.closing(closing + _where(service, client))


def _encode(schema: Json, parties: tuple[Party, Party], display: Display) -> list[bytes]:
    records = sum(len(party.rows) for party in parties)
    encodings = []
    with Encoder(schema) as encoder, display.step("encode", records) as step:
        for party in parties:
            batches = []
            for count, batch in encoder.encode(party.rows):
                batches.append(batch)
                step.advance(count)
            encodings.append(b"".join(batches))
        step.detail = f"{records:,} records to {schema['clkConfig']['l']:,} bits each"
    return encodings


def _upload(
    client: Client, project: Project, encodings: list[bytes], size_bytes: int, display: Display
) -> None:
    with display.step("upload, party A") as step:
        client.upload_directly(project, 0, encodings[0], size_bytes)
        step.detail = f"{len(encodings[0]):,} bytes, by presigned URL"
    with display.step("upload, party B") as step:
        client.upload_inline(project, 1, encodings[1], size_bytes)
        step.detail = f"{len(encodings[1]):,} bytes, in the request"


def _link(client: Client, project: Project, threshold: float, display: Display) -> tuple[str, Json]:
    with display.step("link") as step:
        run_id = client.post_run(project, threshold)
        for status in client.statuses(project, run_id):
            stage = status["current_stage"]
            share = stage.get("progress", {}).get("relative")
            step.show_stage(f"{stage['number']} of {status['stages']}: {stage['description']}", share)
        step.detail = f"{status['total_number_comparisons']:,} comparisons"
    display.substeps(report.seconds_by_stage(status["stage_times"]))
    return run_id, status


def _download(client: Client, project: Project, run_id: str, display: Display) -> Json:
    with display.step("download") as step:
        result = client.result(project, run_id)
        ((kind, items),) = result.items()
        step.detail = f"{len(items):,} {kind.replace('_', ' ')}"
    return result


def _kept_tokens(service: Service, project: Project, run_id: str) -> list[tuple[str, str]]:
    """Write the project's tokens where their owner alone can read them, the service having only hashes."""
    if service.data_dir is None:
        return []
    path = service.data_dir / "demo.json"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({**asdict(project), "run_id": run_id}, indent=2) + "\n", encoding="utf-8")
    return [("its tokens", _shown(path))]


def _where(service: Service, client: Client) -> list[tuple[str, str]]:
    lines = [("API", f"{client.api_url}/api/v1")]
    if service.logs_dir:
        lines.append(("logs", _shown(Path(service.logs_dir))))
        lines.append(("next", "make serve keeps the service up; docs/tutorial.md links your own two files"))
    return lines


def _shown(path: Path) -> str:
    """The path from here, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


if __name__ == "__main__":
    sys.exit(main())
