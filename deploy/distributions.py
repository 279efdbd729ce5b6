"""Python distributions in the tree of a layer, and the versions that are locked for them."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

RUNTIME = "python3.11"
SITE_PACKAGES = Path("python", "lib", RUNTIME, "site-packages")  # where Lambda looks in a layer


def pins(root: Path, file: str = "requirements.txt") -> dict[str, str]:
    """Requirement, by its normal name → the version that is locked in ``file``."""
    text = (root / file).read_text()
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)}


def installed(tree: Path) -> dict[str, Distribution]:
    """Normal name → distribution, of those in a layer's ``tree``."""
    found = distributions(path=[str(tree / SITE_PACKAGES)])
    return {normal(distribution.name): distribution for distribution in found}


def versions(tree: Path) -> dict[str, str]:
    return {name: distribution.version for name, distribution in installed(tree).items()}


def remove(distribution: Distribution) -> None:
    """Deletes the files of an installed distribution. Byte code must have gone before."""
    for file in distribution.files or ():
        Path(str(file.locate())).unlink(missing_ok=True)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503
