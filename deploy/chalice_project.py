"""Chalice's command line, run on projects that are made for it.

``chalice package`` puts all requirements of a project into one layer. For more than one, each gets a project
of its own, whose requirements are those of the layer and whose application does nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.errors import PackageError

COMMAND = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
# Without a function Chalice makes no layer either.
_APPLICATION_OF_A_LAYER = """
from chalice import Chalice

app = Chalice(app_name="layer")
app.lambda_function(name="nothing")(print)
"""
# Chalice ends without a region, though it asks AWS for nothing.
_REGION = {"AWS_DEFAULT_REGION": "us-east-1"}


def build_code(root: Path, project: Path) -> Path:
    """The zip of the service's own code with Chalice's part of the run time. Raises PackageError."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(root / "chalicelib", project / "chalicelib", ignore=ignored)
    shutil.copy(root / "app.py", project)
    return _package(root, project) / "deployment.zip"


def build_layer(root: Path, project: Path, requirements: Path, locked: str = "requirements.txt") -> Path:
    """The zip of a layer: the packages that the file ``requirements`` names, and the project's ``vendor``.

    Versions are those of the root's file ``locked``. Chalice only warns of a requirement that has no wheel
    for Lambda: see to it that all of them are in the zip. Raises PackageError if Chalice makes none.
    """
    project.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / locked, project / "locked.txt")
    (project / "requirements.txt").write_text(f"-c locked.txt\n{requirements.read_text()}")
    (project / "app.py").write_text(_APPLICATION_OF_A_LAYER)
    return _package(root, project) / "layer-deployment.zip"


def _package(root: Path, project: Path) -> Path:
    shutil.copytree(root / ".chalice", project / ".chalice", ignore=shutil.ignore_patterns("deploy*", "venv"))
    output = project / "packaged"
    # Of its two forms, the one that keeps the layer's zip as a file.
    finished = subprocess.run(
        [*COMMAND, "package", "--pkg-format", "terraform", str(output)],
        cwd=project,
        env=_REGION | os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    expected = "layer-deployment.zip" if (project / "requirements.txt").exists() else "deployment.zip"
    if finished.returncode or not (output / expected).exists():
        raise PackageError(f"chalice package has made no {expected}:\n{finished.stdout}")
    return output
