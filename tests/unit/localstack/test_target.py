"""What is deployed where: values from the environment, and those that no emulator needs to be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from localstack.errors import StackError
from localstack.settings import SOURCE_DIR
from localstack.table import arn_placeholder, read_state_machine, read_table
from localstack.target import derived_values, emulated, stated

ENDPOINT = "http://emulator:4566"
STORES = {"DATABASE_HOST": "postgres", "DATABASE_PASSWORD": "secret", "REDIS_HOST": "redis"}


def test_values_have_the_names_of_the_table_s_placeholders() -> None:
    values = stated(STORES | {"POWERTOOLS_LOG_LEVEL": "DEBUG", "REDIS_PASSWORD": ""})

    assert values == {
        "DatabaseHost": "postgres",
        "DatabasePassword": "secret",
        "RedisHost": "redis",
        "RedisPassword": "",
        "LogLevel": "DEBUG",
    }


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_not_stated_is_named(name: str) -> None:
    with pytest.raises(StackError, match=f"not set: {name}$"):
        stated(STORES | {name: ""})


def test_what_the_deployer_makes_is_not_taken_from_the_environment() -> None:
    others = {
        "DATA_BUCKET": "mine",
        "STATE_MACHINE_ARN_PREFIX": "arn:",
        "AWS_REGION": "eu-west-1",
        "HOME": "/",
    }

    assert stated(STORES | others) == stated(STORES)


def test_the_stores_are_all_that_must_be_stated() -> None:
    target = emulated(ENDPOINT, stated(STORES))

    values = derived_values(target) | dict(target.values)
    table = read_table(SOURCE_DIR, values)
    values |= {arn_placeholder(name): f"arn:{name}" for name in table["functions"]}

    assert table["environment"]["DATABASE_HOST"] == "postgres"
    assert table["environment"]["DATA_BUCKET"] == target.data_bucket
    assert set(table["state_machines"])
    for machine in table["state_machines"]:
        read_state_machine(SOURCE_DIR, machine, values)  # raises for a placeholder without a value


def test_a_stated_value_replaces_the_emulators() -> None:
    usual = emulated(ENDPOINT, stated(STORES)).values
    values = emulated(ENDPOINT, stated(STORES | {"DATABASE_PORT": "15432"})).values

    assert values == dict(usual) | {"DatabasePort": "15432"}


def test_names_and_arns_begin_alike(tmp_path: Path) -> None:
    target = emulated(ENDPOINT, {}, tmp_path)

    assert {target.data_bucket, target.upload_bucket, target.code_bucket} == {
        "anonlink-data", "anonlink-uploads", "anonlink-code",
    }  # fmt: skip
    assert target.arn("lambda", "function:x") == "arn:aws:lambda:us-east-1:000000000000:function:x"
    assert target.arn("iam", "role/x", regional=False) == "arn:aws:iam::000000000000:role/x"
