"""The contract suite as a function of Lambda: its code and its layer, for testing a deployment from inside.

The code has the service's own beside it, for its description of the API. The layer has nothing that the
service's layers have: the function gets all of them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy import chalice_project
from deploy.archives import Archive, compile_modules, pack, unpack
from deploy.distributions import installed, normal, pins, remove, versions
from deploy.errors import PackageError
from deploy.package import ROOT, describe

LAYER = "tests"
_LOCKED = "requirements-dev.txt"
# The handlers, the suite, what it takes from other tests, and pytest's settings.
_CODE = (
    "chalicelib",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/contract",
    "tests/inside",
    "tests/oracle.py",
    "tests/unit/__init__.py",
    "tests/unit/api/__init__.py",
    "tests/unit/api/documented.py",
    "tests/unit/factories.py",
)


def package(output: Path, manifest: Mapping[str, Any], root: Path = ROOT) -> list[dict[str, Any]]:
    """Writes tests.zip and layer-tests.zip beside the service's own; returns an entry for each.

    ``manifest`` is the service's, whose layers the function gets too. Raises PackageError, also if the
    function would exceed Lambda's quotas.
    """
    with tempfile.TemporaryDirectory(dir=output) as directory:
        scratch = Path(directory)
        code = pack_code(root, scratch / "code", scratch / "tests.zip")
        layer = _pack_layer(root, scratch, scratch / f"layer-{LAYER}.zip")
        archives = {name: _archive(output, entry) for name, entry in manifest["layers"].items()}
        described = describe(code, archives | {LAYER: layer}, {"tests": [*archives, LAYER]})
        for archive in (code, layer):
            archive.path.replace(output / archive.path.name)
    return [described["code"], described["layers"][LAYER]]


def pack_code(root: Path, tree: Path, path: Path) -> Archive:
    """Zips the suite's code to ``path``. Raises PackageError if a module does not compile."""
    for name in _CODE:
        source, target = root / name, tree / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    compile_modules(tree)
    return pack(tree, path)


def check_versions(wanted: set[str], locked: Mapping[str, str], found: Mapping[str, str]) -> None:
    """``found`` must have all ``wanted``, and each in its locked version. Raises PackageError."""
    for name, version in found.items():
        if locked.get(name) != version:
            raise PackageError(f"layer {LAYER} has {name} {version}, which {_LOCKED} has not")
    if missing := sorted(wanted - found.keys()):
        raise PackageError(f"layer {LAYER} has no wheel that loads on Lambda of {', '.join(missing)}")


def _pack_layer(root: Path, scratch: Path, path: Path) -> Archive:
    tree, requirements = scratch / "tree", root / "layers" / f"{LAYER}.txt"
    unpack(chalice_project.build_layer(root, scratch / LAYER, requirements, _LOCKED), tree)
    lines = requirements.read_text().splitlines()
    wanted = {normal(line) for line in lines if line and not line.startswith("#")}
    check_versions(wanted, pins(root, _LOCKED), versions(tree))
    in_other_layers = pins(root)
    for name, distribution in installed(tree).items():
        if name in in_other_layers:
            remove(distribution)
    compile_modules(tree)
    return pack(tree, path)


def _archive(folder: Path, entry: Mapping[str, Any]) -> Archive:
    return Archive(folder / entry["file"], entry["zipped_bytes"], entry["unpacked_bytes"], entry["sha256"])
