"""setuptools' build backend, and the compilation of the library within it.

Where no C compiler is found, the PyPI package ziglang, which carries one, becomes a build requirement: it
unpacks to some 400 MB, so only there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

from build_kernel import compile_library, system_compiler

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    return build_meta.get_requires_for_build_wheel(config_settings) + _compiler_requirement()


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    return build_meta.get_requires_for_build_editable(config_settings) + _compiler_requirement()


def _compiler_requirement() -> list[str]:
    return [] if system_compiler() else ["ziglang"]


class BuildPy(build_py):
    """Copies the Python modules, and puts the compiled library next to them."""

    def run(self) -> None:
        super().run()
        package = Path("src", "dice_kernel") if self.editable_mode else Path(self.build_lib, "dice_kernel")
        compile_library(package / "_kernel.so")


class PlatformWheel(bdist_wheel):
    """A wheel for this platform and any Python: ctypes loads the library."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]
