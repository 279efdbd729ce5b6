from __future__ import annotations

from collections.abc import Iterator

import pytest

from localstack.stack import Stack, running
from tests.integration.service import Service


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    """The whole service on free ports, beside whatever else runs on this machine."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def linkage_service(stack) -> Service:
    return Service(stack.api_url)
