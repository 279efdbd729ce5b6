"""The embedded stack as its users meet it: start, stop, restart, and parts that die.

These need nothing of the service but that ``/api/v1/status`` answers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from localstack.stack import Stack, is_alive, running
from tests.integration.service import admin_store

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def get(url: str, body: bytes | None = None) -> tuple[int, bytes, str]:
    """Status, body and content type."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body), timeout=DEADLINE_SECONDS) as answer:
            return answer.status, answer.read(), answer.headers["content-type"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["content-type"]


def answers(stack: Stack) -> bool:
    return get(f"{stack.api_url}/api/v1/status")[0] == 200


def leave_a_mark(stack: Stack) -> None:
    """Something in the database and something in the bucket."""
    with psycopg2.connect(stack.postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS mark (word text)")
        cursor.execute("INSERT INTO mark VALUES ('still here')")
    connection.close()
    admin_store(stack).put_object(Bucket=stack.data_bucket, Key="mark", Body=b"still here")


def finds_its_mark(stack: Stack) -> bool:
    with psycopg2.connect(stack.postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT word FROM mark")
        in_database = cursor.fetchone()
        cursor.execute("DROP TABLE mark")
    connection.close()
    in_bucket = admin_store(stack).get_object(Bucket=stack.data_bucket, Key="mark")["Body"].read()
    return in_database == ("still here",) and in_bucket == b"still here"


def serve(data_dir: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """``serve`` where it is expected to refuse."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "localstack", "serve", f"--data-dir={data_dir}", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def command(name: str, stack: Stack) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "localstack", name, f"--data-dir={stack.data_dir}"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_api_answers_and_everything_listens_on_loopback_only(stack: Stack) -> None:
    ours = {int(url.rsplit(":", 1)[1].split("/")[0]) for url in (stack.api_url, stack.aws_endpoint_url)}

    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
                 if line.split()[3] == "0A"]  # fmt: skip

    hosts = {host for host, port in (entry.split(":") for entry in listening) if int(port, 16) in ours}
    assert answers(stack)
    assert hosts == {"0100007F"}


def test_stack_file_is_for_its_owner_only(stack: Stack) -> None:
    path = Path(stack.data_dir, "stack.json")

    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["api_url"] == stack.api_url


def test_body_over_10_mb_is_refused_with_the_way_out(stack: Stack) -> None:
    status, body, content_type = get(f"{stack.api_url}/api/v1/projects", b"x" * 12_000_000)

    problem = json.loads(body)
    assert (status, content_type) == (413, "application/problem+json")
    assert problem["title"] == "Content Too Large"
    assert "POST /api/v1/projects/{project_id}/uploads" in problem["detail"]


def test_functions_write_a_log_each(stack: Stack) -> None:
    assert answers(stack)

    assert "REPORT" in Path(stack.logs_dir, "api.log").read_text()
    assert "REPORT" in Path(stack.logs_dir, "migrate.log").read_text()


def test_status_names_every_part(stack: Stack) -> None:
    result = command("status", stack)

    assert result.returncode == 0
    assert f"{stack.api_url}/api/v1" in result.stdout
    for part in ("supervisor", "postgres", "redis", "emulator"):
        assert any(line.startswith(part) and " up " in line for line in result.stdout.splitlines())


def test_run_uses_a_stack_that_is_there_and_leaves_it(stack: Stack) -> None:
    words = [sys.executable, "-m", "localstack", "run", f"--data-dir={stack.data_dir}", "--", "false"]

    result = subprocess.run(words, cwd=ROOT, timeout=60, check=False)

    assert result.returncode == 1  # the command's own
    assert answers(stack)


def test_second_supervisor_is_refused_in_one_line(stack: Stack) -> None:
    result = serve(Path(stack.data_dir), port=0)

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"process {stack.pid}" in result.stderr
    assert answers(stack)


def test_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = serve(tmp_path, port=port)

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"port {port} is taken" in result.stderr
    assert not (tmp_path / "stack.json").exists()


@pytest.mark.parametrize("part", ["redis", "postgres", "emulator"])
def test_killed_part_runs_again_on_the_same_port(stack: Stack, part: str) -> None:
    leave_a_mark(stack)
    before = Stack.read(Path(stack.data_dir))

    stack.kill(part)  # type: ignore[arg-type]  # a PartName

    assert stack.pids[part] != before.pids[part]
    assert (stack.api_url, stack.postgres_url, stack.redis_url, stack.s3_endpoint) == (
        before.api_url, before.postgres_url, before.redis_url, before.s3_endpoint,
    )  # fmt: skip
    assert answers(stack)
    assert finds_its_mark(stack)


def test_restart_carries_on_with_the_data_and_the_ports(stack: Stack) -> None:
    leave_a_mark(stack)
    before = Stack.read(Path(stack.data_dir))

    stack.restart()

    assert stack.pid != before.pid
    assert (stack.api_url, stack.postgres_url, stack.s3_endpoint) == (
        before.api_url, before.postgres_url, before.s3_endpoint,
    )  # fmt: skip
    assert answers(stack)
    assert finds_its_mark(stack)


def test_parts_follow_a_killed_supervisor_and_the_data_is_there_at_the_next_start(stack: Stack) -> None:
    leave_a_mark(stack)

    stack.kill_supervisor()  # waits until no part is left
    stack.start()

    assert answers(stack)
    assert finds_its_mark(stack)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_stopping_leaves_no_process_and_no_stack_file(stack: Stack, number: signal.Signals) -> None:
    pids = [stack.pid, *stack.pids.values()]

    os.kill(stack.pid, number)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not any(map(is_alive, pids))
    assert not Path(stack.data_dir, "stack.json").exists()
    assert command("status", stack).returncode == 1
    stack.start()  # for the tests that follow


def test_stop_while_starting_leaves_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "localstack", "serve", f"--data-dir={tmp_path}", "--port=0"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "starting" in process.stdout.readline()

    process.send_signal(signal.SIGTERM)

    assert "stopped" in process.communicate(timeout=DEADLINE_SECONDS)[0]
    assert process.returncode == 0
    assert not (tmp_path / "stack.json").exists()


def test_clean_removes_the_data_and_nothing_else(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    words = [sys.executable, "-m", "localstack", "clean"]

    with running(tmp_path / "stack"):
        cleaned = subprocess.run([*words, f"--data-dir={tmp_path / 'stack'}"], cwd=ROOT, check=False)
        spared = subprocess.run(
            [*words, f"--data-dir={other}"], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert cleaned.returncode == 0
    assert not (tmp_path / "stack").exists()
    assert spared.returncode == 1
    assert (other / "thesis.txt").exists()
