"""The zip that a function carries in LocalStack: all that it imports is in it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from deploy.package import UNPACKED_BYTES_MAX
from localstack.code import folded_code
from tests.deployment.on_lambda import IMPORT_EACH, Built, run_alone
from tests.deployment.test_package import FUNCTIONS, LAYERS_OF_FUNCTIONS
from tests.unit.test_config import REQUIRED


@pytest.mark.parametrize("layers", LAYERS_OF_FUNCTIONS, ids="+".join)
def test_every_handler_imports_from_the_zip_alone(
    built: Built, layers: tuple[str, ...], tmp_path: Path
) -> None:
    handlers = [function["handler"] for function in FUNCTIONS.values() if tuple(function["layers"]) == layers]
    modules = sorted({handler.rpartition(".")[0] for handler in handlers})

    with zipfile.ZipFile(io.BytesIO(folded_code(built.folder, layers))) as code:
        assert sum(file.file_size for file in code.infolist()) < UNPACKED_BYTES_MAX
        code.extractall(tmp_path)
    failures = run_alone(
        [str(tmp_path)],
        f"NAMES = {modules!r}{IMPORT_EACH}",
        **REQUIRED | {"AWS_DEFAULT_REGION": "eu-west-1"},
    )

    assert failures == {}


def test_the_kernel_and_the_database_driver_are_in_it(built: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(folded_code(built.folder, ["base", "linking"]))) as code:
        code.extractall(tmp_path)

    files = run_alone(
        [str(tmp_path)],
        "import dice_kernel, numpy, psycopg2\n"
        "print(json.dumps([m.__file__ for m in (dice_kernel, numpy, psycopg2)]))",
    )

    assert all(Path(file).is_relative_to(tmp_path) for file in files)
