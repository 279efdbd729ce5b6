"""What Postgres writes of a statement that failed, by its own settings and by those that RDS gets."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from localstack.settings import HOST

ROOT = Path(__file__).parents[3]
PARAMETER = re.compile(r'parameter \{\s+name  = "(log_\w+)"\s+value = "(\w+)"')
OF_RDS = dict(PARAMETER.findall((ROOT / "terraform/modules/data/database.tf").read_text()))


def logged(stores, table: str, settings: Mapping[str, str]) -> str:
    """What is logged of an insertion that the constraint of ``table`` refuses."""
    connection = psycopg2.connect(
        host=HOST, port=stores.postgres_port, user="postgres", password=stores.postgres_password,
        dbname="postgres", sslmode="disable",
    )  # fmt: skip
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute(sql.SQL("set {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        cursor.execute(f"create temporary table {table} (word text unique)")
        cursor.execute(f"insert into {table} values (%s)", [f"a client's word in {table}"])
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute(f"insert into {table} values (%s)", [f"a client's word in {table}"])
        cursor.execute(f"do $$ begin raise log 'end of {table}'; end $$")
    connection.close()
    return before(stores.logs_dir / "postgres.log", f"LOG:  end of {table}")


def before(log: Path, line: str) -> str:
    """The log up to ``line``, as soon as it is there: another thread writes it."""
    deadline = time.monotonic() + 10
    while line not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    text, found, _ = log.read_text().partition(line)
    assert found
    return text


def test_by_its_own_settings_the_values_are_logged(stores):
    lines = logged(stores, "as_it_is", {})

    assert "DETAIL:  Key (word)=(a client's word in as_it_is)" in lines
    assert "STATEMENT:  insert into as_it_is values ('a client''s word in as_it_is')" in lines


def test_by_rds_s_only_which_constraint_it_was(stores):
    lines = logged(stores, "as_in_rds", OF_RDS)

    assert set(OF_RDS) == {"log_min_error_statement", "log_error_verbosity"}
    assert 'duplicate key value violates unique constraint "as_in_rds_word_key"' in lines
    assert "word in as_in_rds" not in lines
