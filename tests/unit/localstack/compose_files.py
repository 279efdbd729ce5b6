"""docker-compose.yml and what it takes in, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "localstack"
COMPOSE = FOLDER / "docker-compose.yml"
EMULATORS = ("localstack", "ministack")
FILES = [COMPOSE, *(FOLDER / "compose" / f"{emulator}.yml" for emulator in EMULATORS)]
DOCKERFILE = FOLDER / "compose" / "Dockerfile"
SCRIPTS = sorted((FOLDER / "compose").glob("*.sh"))


@dataclass(frozen=True)
class Written:
    """A service as it stands in ``file``, before anything is merged into it."""

    file: Path
    name: str
    fields: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.file.name}: {self.name}"


def written() -> list[Written]:
    return [
        Written(file, name, fields)
        for file in FILES
        for name, fields in yaml.safe_load(file.read_text())["services"].items()
    ]


def merged(emulator: str) -> dict[str, dict[str, Any]]:
    """The services with what they extend, as Compose merges the fields that are used here."""
    extended = yaml.safe_load((FOLDER / "compose" / f"{emulator}.yml").read_text())["services"]
    services = {}
    for name, fields in yaml.safe_load(COMPOSE.read_text())["services"].items():
        other = extended[name] if "extends" in fields else {}
        environment = other.get("environment", {}) | fields.get("environment", {})
        services[name] = other | fields | {"environment": environment}
    return services
