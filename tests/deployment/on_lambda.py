"""What was built, unpacked as Lambda does, and whether it would load there."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from deploy.distributions import SITE_PACKAGES

# What Lambda's python3.11 has, Amazon Linux 2 with gcc 7's libraries.
NEWEST_VERSIONS = {"GLIBC": (2, 26), "GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}
SYSTEM_LIBRARIES = {
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0",
    "libresolv.so.2", "librt.so.1", "libstdc++.so.6", "libz.so.1",
}  # fmt: skip
DIRECT_UPLOAD_BYTES_MAX = 50 * 1024 * 1024

IMPORT_EACH = """
failures = {}
for name in NAMES:
    try:
        importlib.import_module(name)
    except Exception as error:
        failures[name] = repr(error)
print(json.dumps(failures))
"""


@dataclass(frozen=True)
class Built:
    """The folder that was built, what its manifest says, and where its zips are unpacked to."""

    folder: Path
    manifest: dict[str, Any]
    code: Path
    layers: dict[str, Path]

    def paths(self, *layers: str) -> list[str]:
        return [str(self.layers[layer] / SITE_PACKAGES) for layer in layers]


def unzip(archive: Path, tree: Path) -> Path:
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tree)
    return tree


def run_alone(paths: list[str], script: str, **environment: str) -> Any:
    """What ``script`` prints as JSON, run where only the standard library and ``paths`` can be imported."""
    preamble = f"import importlib, json, sys; sys.path[:0] = {paths!r}\n"
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "ignore", "-c", preamble + script],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def importable(site_packages: Path) -> list[str]:
    """All modules and packages at the top, and every extension module by its full name: packages go on
    without theirs, slowly."""
    names = {path.stem for path in site_packages.glob("*.py")}
    names |= {path.name for path in site_packages.iterdir() if (path / "__init__.py").exists()}
    names |= {
        ".".join(path.relative_to(site_packages).with_name(path.name.partition(".")[0]).parts)
        for path in site_packages.rglob("*.so")
        if ".cpython-311-" in path.name or ".abi3." in path.name
    }
    return sorted(names)


def libraries(*trees: Path) -> list[Path]:
    return [path for tree in trees for path in sorted(tree.rglob("*")) if ".so" in path.suffixes]


def too_new(found: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """Library and kind → the version that it needs, where Lambda's system has an older one."""
    return {
        f"{library.name} {kind}": version
        for library in found
        for kind, version in needed_versions(library).items()
        if version > NEWEST_VERSIONS[kind]
    }


def needed_versions(library: Path) -> dict[str, tuple[int, ...]]:
    """Kind, of those that Lambda's system has, → the newest version of it that the library needs."""
    newest: dict[str, tuple[int, ...]] = {}
    with library.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, versions in section.iter_versions():
                    for kind, _, number in (version.name.partition("_") for version in versions):
                        if kind in NEWEST_VERSIONS:
                            newest[kind] = max(newest.get(kind, ()), tuple(map(int, number.split("."))))
    return newest


def needed_libraries(library: Path) -> set[str]:
    with library.open("rb") as file:
        sections = [part for part in ELFFile(file).iter_sections() if isinstance(part, DynamicSection)]
        return {tag.needed for part in sections for tag in part.iter_tags("DT_NEEDED")}


def without_byte_code(tree: Path) -> list[Path]:
    """The modules of ``tree`` that a cold start would have to compile."""
    return [
        module
        for module in tree.rglob("*.py")
        if module.stem.isidentifier()
        and not (module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc").exists()
    ]
