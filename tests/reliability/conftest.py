from __future__ import annotations

from collections.abc import Iterator

import pytest

from localstack.stack import Stack, running
from tests.integration.service import Service


@pytest.fixture(scope="package")
def fragile_stack(tmp_path_factory) -> Iterator[Stack]:
    """A stack of its own: what is killed here must not disturb others."""
    with running(tmp_path_factory.mktemp("fragile")) as stack:
        yield stack


@pytest.fixture(scope="package")
def service(fragile_stack) -> Service:
    return Service(fragile_stack.api_url)
