"""`make package CA_BUNDLE=…`: certificates that the functions find at /opt/ca.pem."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import trustme

from deploy import certificates
from deploy import package as packaging
from deploy.archives import Archive
from deploy.errors import PackageError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "two authorities.pem"
    for authority in (trustme.CA(), trustme.CA()):
        authority.cert_pem.write_to_path(path, append=True)
    return path


@pytest.fixture
def quick(monkeypatch) -> None:
    """Layers and code without what is in them, which takes a minute to build."""

    def empty(_root: Path, project: Path, _layer: str) -> Path:
        (project / "tree").mkdir(parents=True)
        return project / "tree"

    monkeypatch.setattr(packaging, "_build_layer", empty)
    monkeypatch.setattr(packaging, "_pack_code", lambda *_: Archive(Path("deployment.zip"), 1, 1, ""))
    monkeypatch.setattr(packaging, "check_versions", lambda *_: None)


def files_by_layer(folder: Path) -> dict[str, list[str]]:
    return {path.stem: zipfile.ZipFile(path).namelist() for path in folder.glob("layer-*.zip")}


def test_the_bundle_is_at_the_top_of_the_layer_that_all_functions_have(tmp_path, quick, bundle):
    packaging.package(tmp_path, ca_bundle=bundle)

    assert files_by_layer(tmp_path) == {"layer-base": ["ca.pem"], "layer-linking": []}
    with zipfile.ZipFile(tmp_path / "layer-base.zip") as layer:
        assert layer.read("ca.pem") == bundle.read_bytes()
    assert {"base"} <= set.intersection(*map(set, packaging.read_layers(ROOT).values()))


def test_without_a_bundle_there_is_none(tmp_path, quick):
    packaging.package(tmp_path)

    assert files_by_layer(tmp_path) == {"layer-base": [], "layer-linking": []}


def test_the_same_bundle_gives_the_same_bytes(tmp_path, quick, bundle):
    copy = shutil.copyfile(bundle, tmp_path / "elsewhere.pem")

    one = packaging.package(tmp_path / "one", ca_bundle=bundle)
    other = packaging.package(tmp_path / "other", ca_bundle=copy)

    assert one == other


@pytest.mark.parametrize("content", [None, b"", b"<html>"], ids=["no file", "empty", "no certificates"])
def test_what_is_no_bundle_is_refused(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PackageError, match=r"ca\.pem is no file of certificates in PEM"):
        certificates.add(tmp_path / "tree", path)


def test_a_private_key_is_refused(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.private_key_pem.write_to_path(tmp_path / "ca.pem", append=True)
    (tmp_path / "tree").mkdir()

    with pytest.raises(PackageError, match="private key"):
        certificates.add(tmp_path / "tree", tmp_path / "ca.pem")

    assert list((tmp_path / "tree").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["CA_BUNDLE=my certificates.pem"], '-m deploy.package --ca-bundle "my certificates.pem"'),
        ([], "-m deploy.package"),
    ],
    ids=["with", "without"],
)
def test_make_hands_it_on(arguments, command):
    make = ["make", "--dry-run", "--assume-old=.venv/.package-installed", "package", *arguments]
    # A make that runs the tests would pass its own options and variables on.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}

    printed = subprocess.run(
        make, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout

    assert printed.rstrip().endswith(command)


def test_the_path_is_the_one_that_is_documented():
    path = f"/opt/{certificates.FILE}"

    for document in ("docs/configuration.md", "docs/packaging.md", "terraform/stores.tf"):
        assert path in (ROOT / document).read_text(), document
