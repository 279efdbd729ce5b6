"""The Terraform modules: formatted, valid, described, and tested by ``terraform test`` with a mocked AWS.

Nothing is downloaded and no account is needed. Terraform must be on PATH, and its AWS provider in a folder
``registry.terraform.io`` below ``TF_PLUGIN_DIR`` or one of the usual places; else these tests are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.trial.terraform import SOURCES
from terraform import document

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
EXAMPLES = sorted(path.name for path in (TERRAFORM / "examples").iterdir())
TEST_FILES = sorted(path.name for path in (TERRAFORM / "tests").glob("*.tftest.hcl"))
STATE = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on PATH")


def run(*arguments: str, cwd: Path) -> None:
    # A configuration file of the user's could send Terraform elsewhere for its providers.
    environment = {name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"}
    environment |= {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        ["terraform", *arguments, "-no-color"],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def plugin_dir() -> Path | None:
    """The folder that has the provider: ``TF_PLUGIN_DIR``'s, or the first of the usual ones."""
    named = os.environ.get("TF_PLUGIN_DIR")
    usual = [
        Path.home() / ".terraform.d/plugins",
        Path.home() / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *sorted(Path("/opt").glob("*")),
    ]
    found = [
        path for path in ([Path(named)] if named else usual) if (path / "registry.terraform.io").is_dir()
    ]
    return found[0] if found else None


def copy_sources(top: Path) -> Path:
    """``terraform/`` with all that it reads in ``top``, as it lies here; its new path."""
    for name in SOURCES:
        source, target = ROOT / name, top / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=STATE)
        else:
            shutil.copy(source, target)
    return top / "terraform"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ``terraform/`` in its surroundings, ready for use."""
    plugins = plugin_dir()
    if plugins is None:
        pytest.skip("Terraform's AWS provider is not here: TF_PLUGIN_DIR can name its folder")
    top = tmp_path_factory.mktemp("terraform")
    directory = copy_sources(top)
    for path in (directory, *(directory / "examples" / name for name in EXAMPLES)):
        run("init", "-backend=false", f"-plugin-dir={plugins}", cwd=path)
    return directory


@needs_terraform
def test_it_is_formatted():
    run("fmt", "-check", "-recursive", "-diff", cwd=TERRAFORM)


@needs_terraform
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid(copy, name):
    run("validate", cwd=copy / "examples" / name)


@needs_terraform
@pytest.mark.slow
@pytest.mark.parametrize("name", TEST_FILES)
def test_it_keeps_its_promises(copy, name):
    run("test", f"-filter=tests/{name}", cwd=copy)


def test_the_tables_of_inputs_and_outputs_are_up_to_date():
    assert document.outdated() == [], "python terraform/document.py writes them"


@pytest.mark.parametrize("path", document.modules(), ids=lambda path: path.name)
def test_every_input_and_output_is_described_in_sentences(path):
    rows = [line for line in document.tables(path).splitlines() if line.startswith("| `")]

    meanings = [row.removesuffix(" |").rpartition(" | ")[2].split("<br>")[0] for row in rows]

    assert meanings
    assert [meaning for meaning in meanings if not meaning.endswith(".")] == []


def test_ec2_takes_the_descriptions_of_security_groups():
    # Nothing else says so before AWS does: an apostrophe is refused.
    taken = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
    block = re.compile(r'^resource "aws_(?:vpc_)?security_group\w*" .*?^}', re.MULTILINE | re.DOTALL)
    blocks = [found for path in TERRAFORM.rglob("*.tf") for found in block.findall(path.read_text())]

    descriptions = [re.findall(r'^  description += "(.*)"$', found, re.MULTILINE) for found in blocks]

    assert len(descriptions) > 10
    assert [found for found in descriptions if len(found) != 1 or not taken.fullmatch(found[0])] == []


def test_files_are_short_enough_to_read():
    long = [path for path in TERRAFORM.rglob("*.tf") if len(path.read_text().splitlines()) > 200]

    assert long == []
