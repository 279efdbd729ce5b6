from __future__ import annotations

import pytest

from chalicelib.config import ConfigurationError, Settings

REQUIRED = {
    "DATABASE_HOST": "db",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "anonlink",
    "DATABASE_USER": "anonlink",
    "DATABASE_PASSWORD": "secret",
    "REDIS_HOST": "redis",
    "REDIS_PORT": "6379",
    "DATA_BUCKET": "data",
    "UPLOAD_BUCKET": "upload",
    "STATE_MACHINE_ARN_PREFIX": "arn:",
    "SIGNER_ROLE_ARN": "arn:",
    "FUNCTION_NAME_PREFIX": "test-",
}


def test_settings_are_cast_and_defaulted():
    settings = Settings.from_environment({**REQUIRED, "REDIS_TLS": "false", "CHUNK_MIN_SECONDS": "0.5"})

    assert settings.database_port == 5432
    assert settings.redis_tls is False
    assert settings.chunk_min_seconds == 0.5
    assert settings.max_encoding_size_bytes == 1024


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name):
    environment = {key: value for key, value in REQUIRED.items() if key != name}

    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment(environment)


@pytest.mark.parametrize(("name", "value"), [("DATABASE_PORT", "five"), ("REDIS_TLS", "maybe")])
def test_a_malformed_setting_is_named_and_its_value_is_not_shown(name, value):
    with pytest.raises(ConfigurationError, match=name) as raised:
        Settings.from_environment({**REQUIRED, name: value})

    assert value not in str(raised.value)
