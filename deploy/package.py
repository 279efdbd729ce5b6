"""Builds what Lambda runs: the code and the layers, into one folder, with a manifest.

    python -m deploy.package [--output build] [--ca-bundle certificates.pem] [--tests]

Which layers there are, and which function gets which, is the key ``layers`` in functions.yaml; what is in
one is layers/NAME.txt. Chalice fetches the wheels that load on Lambda; here its zips are checked, rid of
what no function runs, compiled, and packed so that the same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from deploy import certificates, chalice_project
from deploy.archives import Archive, compile_modules, pack, unpack
from deploy.distributions import RUNTIME, installed, pins, remove, versions
from deploy.errors import PackageError

ARCHITECTURE = "x86_64"  # anonlink has wheels for nothing else
KERNEL_TARGET = "x86_64-linux-gnu.2.17"
KERNEL_LAYER = "linking"

# Lambda's quotas: layers of a function, and bytes of its code and layers once unpacked.
LAYERS_MAX = 5
UNPACKED_BYTES_MAX = 250 * 1024 * 1024
# Requirements that no function ever imports: anonlink names the compiler that made its wheel.
NEVER_IMPORTED = frozenset({"cython"})

ROOT = Path(__file__).parents[1]


def package(output: Path, root: Path = ROOT, ca_bundle: Path | None = None) -> dict[str, Any]:
    """Writes deployment.zip, layer-NAME.zip for each layer, and package.json; returns what that says.

    ``ca_bundle``: certificates for the functions to trust. Takes about a minute on two cores. What was
    there stays if it fails. Raises PackageError.
    """
    if f"python{sys.version_info[0]}.{sys.version_info[1]}" != RUNTIME:
        raise PackageError(f"Chalice packages for the Python that runs it: run this with {RUNTIME}")
    layers_by_function = read_layers(root)
    layers = sorted(set().union(*layers_by_function.values()))
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as directory, ThreadPoolExecutor() as pool:
        scratch = Path(directory)
        zips = scratch / "zips"
        zips.mkdir()
        code = pool.submit(_pack_code, root, scratch, zips)
        built = [pool.submit(_build_layer, root, scratch / layer, layer) for layer in layers]
        trees = {layer: future.result() for layer, future in zip(layers, built, strict=True)}
        check_versions(pins(root), {layer: versions(tree) for layer, tree in trees.items()})
        if ca_bundle:
            certificates.add(trees[certificates.LAYER], ca_bundle)
        packed = [pool.submit(_pack_layer, trees[layer], zips / f"layer-{layer}.zip") for layer in layers]
        archives = {layer: future.result() for layer, future in zip(layers, packed, strict=True)}
        manifest = describe(code.result(), archives, layers_by_function)
        for file in zips.iterdir():  # only now, so that what lies there is of one build
            file.replace(output / file.name)
    (output / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


def read_layers(root: Path) -> dict[str, list[str]]:
    """Function → its layers, in the order in which Lambda unpacks them."""
    table = yaml.safe_load((root / "functions.yaml").read_text())
    return {name: function["layers"] for name, function in table["functions"].items()}


def check_versions(locked: Mapping[str, str], found_by_layer: Mapping[str, Mapping[str, str]]) -> None:
    """Each locked requirement must be in one layer, in its version, and nothing else in any.

    ``found_by_layer``: layer → requirement → version. Raises PackageError.
    """
    layer_by_name: dict[str, str] = {}
    for layer, found in found_by_layer.items():
        for name, version in found.items():
            if locked.get(name) != version:
                raise PackageError(f"layer {layer} has {name} {version}, which requirements.txt has not")
            if name in layer_by_name:
                raise PackageError(f"{name} is in the layers {layer_by_name[name]} and {layer}")
            layer_by_name[name] = layer
    missing = sorted(locked.keys() - layer_by_name.keys())
    if missing:
        raise PackageError(
            f"in no layer: {', '.join(missing)}. Name them in a file of layers/; if they are named, "
            f"they have no wheel for {RUNTIME} on manylinux_2_26_{ARCHITECTURE}"
        )


def describe(
    code: Archive, archives: Mapping[str, Archive], layers_by_function: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The manifest. Raises PackageError for a function that exceeds Lambda's quotas."""
    functions = {}
    for name, layers in layers_by_function.items():
        parts = [code, *(archives[layer] for layer in layers)]
        unpacked_bytes = sum(part.unpacked_bytes for part in parts)
        if len(layers) > LAYERS_MAX:
            raise PackageError(f"{name} has {len(layers)} layers; Lambda takes {LAYERS_MAX}")
        if unpacked_bytes > UNPACKED_BYTES_MAX:
            raise PackageError(
                f"{name} unpacks to {unpacked_bytes:,} bytes; Lambda takes {UNPACKED_BYTES_MAX:,}"
            )
        functions[name] = {"layers": list(layers), "unpacked_bytes": unpacked_bytes}
    return {
        "runtime": RUNTIME,
        "architecture": ARCHITECTURE,
        "code": _entry(code),
        "layers": {layer: _entry(archive) for layer, archive in archives.items()},
        "functions": functions,
    }


def _entry(archive: Archive) -> dict[str, Any]:
    return {
        "file": archive.path.name,
        "sha256": archive.sha256,
        "zipped_bytes": archive.zipped_bytes,
        "unpacked_bytes": archive.unpacked_bytes,
    }


def _pack_code(root: Path, scratch: Path, zips: Path) -> Archive:
    tree = scratch / "code"
    unpack(chalice_project.build_code(root, scratch / "service"), tree)
    compile_modules(tree)
    return pack(tree, zips / "deployment.zip")


def _build_layer(root: Path, project: Path, layer: str) -> Path:
    """The tree of a layer, as Chalice made it."""
    if layer == KERNEL_LAYER:
        _build_kernel(root, project / "vendor" / "dice_kernel")
    tree = project / "tree"
    unpack(chalice_project.build_layer(root, project, root / "layers" / f"{layer}.txt"), tree)
    return tree


def _build_kernel(root: Path, package: Path) -> None:
    kernel = root / "layers" / "kernel"
    sources = kernel / "src" / "dice_kernel"
    shutil.copytree(sources, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    command = [sys.executable, str(kernel / "build_kernel.py"), "--target", KERNEL_TARGET]
    finished = subprocess.run(
        [*command, "--output", str(package / "_kernel.so")], capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise PackageError(f"the kernel was not built: {finished.stderr.strip()}")


def _pack_layer(tree: Path, path: Path) -> Archive:
    for name, distribution in installed(tree).items():
        if name in NEVER_IMPORTED:
            remove(distribution)
    compile_modules(tree)
    return pack(tree, path)


def main() -> None:
    """Builds as the command line says, and prints what there is to deploy."""
    parser = argparse.ArgumentParser(description="Builds the code and the layers for Lambda.")
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="the folder (build)")
    parser.add_argument("--ca-bundle", type=Path, help="certificates in PEM, for the functions' /opt/ca.pem")
    parser.add_argument("--tests", action="store_true", help="also what runs the contract suite in Lambda")
    arguments = parser.parse_args()
    output = arguments.output
    try:
        manifest = package(output, ca_bundle=arguments.ca_bundle)
        entries = [manifest["code"], *manifest["layers"].values()]
        if arguments.tests:
            from deploy import suite  # which rests on this module

            entries += suite.package(output, manifest)
    except PackageError as error:
        sys.exit(f"error: {error}")
    for entry in entries:
        sizes = f"{entry['zipped_bytes'] / 1e6:7.1f} MB {entry['unpacked_bytes'] / 1e6:7.1f} MB unpacked"
        print(f"{output / entry['file']!s:32} {sizes}  sha256 {entry['sha256'][:12]}")


if __name__ == "__main__":
    main()
