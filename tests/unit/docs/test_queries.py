"""The queries of the operator's pages, against a service that has worked: SQL is run, and what is asked of
logs is in the lines that our functions write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import psycopg2
import pytest

from localstack.stack import Stack
from tests.contract.service import Project, Service
from tests.integration.service import admin_client, admin_store
from tests.unit.docs.blocks import DOCS, fenced
from tests.unit.factories import linked_encodings

PAGES = ("devops.md", "debugging.md")
QUERIES = [(page, sql) for page in PAGES for sql in fenced(page, "sql")]
CHANGES = [(page, sql) for page, sql in QUERIES if not sql.lstrip().startswith("select")]
LAMBDAS = {"@timestamp", "@log", "@message", "@type", "@duration", "@memorySize", "@maxMemoryUsed"}
# Of the language: commands and functions.
WORDS = {"fields", "filter", "stats", "sort", "limit", "by", "as", "and", "or", "like", "desc", "asc"}
WORDS |= {"ispresent", "count", "sum", "max", "pct", "bin"}


@pytest.fixture(scope="module")
def linked(stack) -> tuple[Project, str]:
    """A project with a completed run."""
    service = Service(stack.api_url)
    project, run_id, _ = service.completed(linked_encodings(51, (40, 40)), "groups", 0.8)
    return project, run_id


def run(stack: Stack, sql: str, ids: dict[str, str]) -> int:
    """How many rows it gives or changes; nothing stays changed."""
    for placeholder, value in ids.items():
        sql = sql.replace(placeholder, value)
    connection = psycopg2.connect(stack.postgres_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.rowcount
    finally:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize(("page", "sql"), QUERIES, ids=lambda value: value.split("\n")[0][:60])
def test_postgres_takes_every_query(stack, linked, page, sql):
    project, run_id = linked

    assert run(stack, sql, {"PROJECT_ID": project.project_id, "RUN_ID": run_id, "NEW_TOKEN": "0" * 48}) >= 0


@pytest.mark.parametrize(("page", "sql"), CHANGES, ids=lambda value: value.split("\n")[0][:60])
def test_every_change_finds_what_it_names(stack, linked, page, sql):
    project, run_id = linked

    assert run(stack, sql, {"PROJECT_ID": project.project_id, "RUN_ID": run_id, "NEW_TOKEN": "0" * 48}) >= 1
    assert run(stack, sql, {}) == 0


def test_a_token_that_replaces_another_by_sql_is_the_projects(stack):
    service, new_token = Service(stack.api_url), "ab" * 24
    project = service.create_project()
    (sql,) = (sql for _, sql in CHANGES if sql.startswith("update projects set result_token_hash"))
    with psycopg2.connect(stack.postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute(sql.replace("PROJECT_ID", project.project_id).replace("NEW_TOKEN", new_token))

    assert service.call("GET", project.path, new_token).status_code == 200
    assert service.call("GET", project.path, project.result_token).status_code == 403


@pytest.fixture(scope="module")
def logged_fields(stack, linked) -> set[str]:
    """All that the lines of our functions have, after work that went well and work that failed."""
    project, run_id = linked
    service = Service(stack.api_url)
    key = f"projects/{project.project_id}/runs/{run_id}/groups.bin"
    admin_store(stack).put_object(Bucket=stack.data_bucket, Key=key, Body=b"no groups")
    path = f"{project.path}/runs/{run_id}/result?format=csv"
    assert service.call("GET", path, project.result_token).status_code == 500
    fail = {"run_id": run_id, "error": {"Error": "Lambda.Unknown", "Cause": "killed"}}
    client = admin_client(stack, "lambda")
    client.invoke(FunctionName=stack.functions["fail"], Payload=json.dumps(fail).encode())
    fields: set[str] = set()
    for file in Path(stack.logs_dir).glob("*.log"):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith('{"level"'):
                fields |= set(json.loads(line))
    return fields


def asked_for(query: str) -> set[str]:
    query = re.sub(r"'[^']*'|/[^/\n]*/|\b\d[\w.]*", " ", query)
    names = set(re.findall(r"@?[A-Za-z_]\w*", query))
    return names - WORDS - set(re.findall(r"\bas (\w+)", query))


def test_log_lines_have_the_fields_that_are_asked_for(logged_fields):
    queries = fenced("debugging.md", "insights")

    assert len(queries) > 3
    assert {name for query in queries for name in asked_for(query)} - LAMBDAS <= logged_fields


def test_the_access_log_has_the_fields_that_are_asked_for():
    stage = (DOCS.parent / "terraform/modules/api/stage.tf").read_text(encoding="utf-8")
    fields = set(re.findall(r'^ +(\w+) += "\$context\.', stage, re.MULTILINE))
    queries = fenced("debugging.md", "insights access")
    queries += re.findall(r'--query-string "([^"]+)"', fenced_access_queries())

    assert len(queries) == 3
    assert {name for query in queries for name in asked_for(query)} - LAMBDAS <= fields


def fenced_access_queries() -> str:
    return "\n".join(block for block in fenced("devops.md", "sh") if "/access" in block)
