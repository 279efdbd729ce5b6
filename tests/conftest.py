from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.contract.service import Service

if TYPE_CHECKING:
    from localstack.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    """The whole service on free ports, beside whatever else runs on this machine."""
    from localstack.stack import running  # not at hand where the suite runs inside a deployment

    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def linkage_service(request) -> Service:
    """What the environment variable SERVER names (https://host[/stage]), else the embedded stack."""
    server = os.environ.get("SERVER")
    return Service(server.rstrip("/") if server else request.getfixturevalue("stack").api_url)
