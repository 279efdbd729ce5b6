"""The Terraform modules of trials, with a mocked AWS. Skipped where ``test_terraform`` is, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployment.test_terraform import copy_sources, needs_terraform, plugin_dir, run

pytestmark = [
    needs_terraform,
    pytest.mark.skipif(plugin_dir() is None, reason="Terraform's AWS provider is not here"),
]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of them with all that they read, ready for use."""
    modules = copy_sources(tmp_path_factory.mktemp("trial")) / "deployment-test"
    for path in (modules, modules / "network"):
        run("init", "-backend=false", f"-plugin-dir={plugin_dir()}", cwd=path)
    return modules


@pytest.mark.parametrize("name", [".", "network"])
def test_they_are_valid(modules, name):
    run("validate", cwd=modules / name)


@pytest.mark.slow
def test_they_keep_their_promises(modules):
    run("test", cwd=modules)
