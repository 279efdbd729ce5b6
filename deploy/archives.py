"""Zips that are the same bytes for the same files, whenever and wherever they are made.

Byte code lies beside each module: Lambda's directories cannot be written to, so every cold start would
compile all that it imports, which takes as long again as importing it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import PackageError

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_MODE = 0o644  # Lambda's own user must be able to read it; shared libraries need no more


@dataclass(frozen=True)
class Archive:
    """A zip: its bytes on the wire, what Lambda counts once it is unpacked, and the SHA-256 in hex."""

    path: Path
    zipped_bytes: int
    unpacked_bytes: int
    sha256: str


def unpack(archive: Path, tree: Path) -> None:
    """Unpacks ``archive`` to ``tree``, without byte code: some packages bring theirs, in part."""
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tree)
    for cache in list(tree.rglob("__pycache__")):
        shutil.rmtree(cache)


def compile_modules(tree: Path) -> None:
    """Puts byte code beside each module of ``tree``, for the Python that runs this.

    Raises PackageError if a module does not compile.
    """
    # In a process of its own: byte code records which of its constants the process that compiles
    # uses elsewhere. Unchecked, since the modules get another time when they are unpacked.
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    compiled = subprocess.run(
        [*command, "-s", str(tree), str(tree)],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if compiled.returncode:
        raise PackageError(f"a module does not compile: {compiled.stdout.strip()}")


def pack(tree: Path, path: Path) -> Archive:
    """Zips all files of ``tree`` to ``path``: in order, with one time and one mode."""
    files = sorted(file for file in tree.rglob("*") if file.is_file())
    with zipfile.ZipFile(path, "w") as zipped:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(tree).as_posix(), _TIME)
            entry.external_attr = _MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, file.read_bytes())
    content = path.read_bytes()
    unpacked_bytes = sum(file.stat().st_size for file in files)
    return Archive(path, len(content), unpacked_bytes, hashlib.sha256(content).hexdigest())
