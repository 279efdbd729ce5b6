"""Log files, one a part and one a function, that cannot fill the disk."""

from __future__ import annotations

import logging
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

_MAX_BYTES = 20_000_000
_BACKUPS = 1


@cache
def log_file(directory: Path, name: str, form: str = "%(message)s") -> logging.Logger:
    """The logger that writes ``directory/name.log`` and nothing else."""
    directory.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(directory / f"{name}.log", maxBytes=_MAX_BYTES, backupCount=_BACKUPS)
    handler.setFormatter(logging.Formatter(form))
    logger = logging.getLogger(f"localstack.files.{directory}.{name}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    return logger


def tail(path: Path, lines: int = 3) -> str:
    """The last lines of a log on one line, for an error message."""
    try:
        text = path.read_text(errors="replace")[-4000:]
    except FileNotFoundError:
        return ""
    return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())
