from __future__ import annotations

import pytest

from deploy import package as packaging
from tests.deployment.on_lambda import Built, unzip


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Built:
    """What `make package` builds, unpacked."""
    pytest.importorskip("ziglang", reason="the kernel is built for Lambda by the package ziglang")
    folder = tmp_path_factory.mktemp("build")
    manifest = packaging.package(folder)
    trees = tmp_path_factory.mktemp("unpacked")
    layers = {name: unzip(folder / layer["file"], trees / name) for name, layer in manifest["layers"].items()}
    return Built(folder, manifest, unzip(folder / manifest["code"]["file"], trees / "code"), layers)
