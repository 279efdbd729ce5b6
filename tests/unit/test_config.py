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


OWN_STORE = {
    "MANIFEST_BUCKET": "manifests",
    "OBJECT_STORE_ENDPOINT": "http://10.0.0.7:9000",
    "OBJECT_STORE_ACCESS_KEY": "key",
    "OBJECT_STORE_SECRET_KEY": "hidden",
}


def test_manifests_are_in_the_data_bucket_unless_said_otherwise():
    assert Settings.from_environment({**REQUIRED, "MANIFEST_BUCKET": ""}).manifest_bucket == "data"
    assert Settings.from_environment({**REQUIRED, **OWN_STORE}).manifest_bucket == "manifests"


def test_clients_reach_a_store_of_one_s_own_as_the_functions_do_unless_said_otherwise():
    own = {**REQUIRED, **OWN_STORE, "OBJECT_STORE_PUBLIC_ENDPOINT": ""}
    assert Settings.from_environment(own).object_store_public_endpoint == "http://10.0.0.7:9000"

    own["OBJECT_STORE_PUBLIC_ENDPOINT"] = "https://minio.example.org"
    assert Settings.from_environment(own).object_store_public_endpoint == "https://minio.example.org"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OBJECT_STORE_ACCESS_KEY", ""),
        ("OBJECT_STORE_SECRET_KEY", ""),
        ("OBJECT_STORE_ENDPOINT", "minio:9000"),
        ("OBJECT_STORE_ENDPOINT", "https://example.org/minio"),
        ("OBJECT_STORE_PUBLIC_ENDPOINT", "ftp://example.org"),
        ("MANIFEST_BUCKET", ""),
        ("MANIFEST_BUCKET", "data"),
        ("MANIFEST_BUCKET", "upload"),
    ],
)
def test_what_does_not_fit_a_store_of_one_s_own_is_named(name, value):
    with pytest.raises(ConfigurationError, match=f"^{name} ") as raised:
        Settings.from_environment({**REQUIRED, **OWN_STORE, name: value})

    assert "hidden" not in str(raised.value)
