"""Ports and passwords that stay the same from start to start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from localstack.errors import StackError
from localstack.settings import HOST, Settings, is_free


def test_second_start_has_the_same_ports_and_passwords(tmp_path: Path) -> None:
    first = Settings.load(tmp_path, 0)

    assert Settings.load(tmp_path, 0) == first


def test_taken_inner_port_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    first = Settings.load(tmp_path, 0)

    with socket.create_server((HOST, first.redis_port)):
        second = Settings.load(tmp_path, 0)

    assert second.redis_port != first.redis_port
    assert second.emulator_port == first.emulator_port


def test_taken_api_port_is_refused_when_it_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(StackError, match=f"port {port} is taken"):
            Settings.load(tmp_path, port)


def test_port_of_a_listening_server_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]

        assert not is_free(port)
    assert is_free(port)


def test_settings_are_for_their_owner_only(tmp_path: Path) -> None:
    Settings.load(tmp_path, 0)

    assert (tmp_path / "settings.json").stat().st_mode & 0o777 == 0o600


def test_unreadable_settings_are_made_anew(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")

    assert Settings.load(tmp_path, 0).redis_password
