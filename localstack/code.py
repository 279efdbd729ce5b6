"""The code of functions: a small zip, or one with the layers folded in.

The embedded stack's functions run in its own interpreter, which has all packages. LocalStack runs them in
Lambda's image, and its free edition records layers without using them; so there what ``make package`` has
built is put into one zip. Lambda unpacks layers beside the code and looks for modules in both.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.distributions import SITE_PACKAGES
from localstack.errors import StackError

_LAYER_ROOT = f"{SITE_PACKAGES}/"


def folded_code(package: Path, layers: Sequence[str]) -> bytes:
    """A zip of the code and ``layers`` in the folder that ``make package`` writes, the same bytes each time.

    Raises StackError if they are not there, or if one file is in two of them.
    """
    packed = io.BytesIO()
    names: set[str] = set()
    # The lowest level: the time that compressing takes is the time that deploying takes.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as folded:
        for file in ("deployment.zip", *(f"layer-{layer}.zip" for layer in layers)):
            for entry, content in _entries(package / file):
                if entry.filename in names:
                    raise StackError(f"{entry.filename} is in {file} and in another of the function's zips")
                names.add(entry.filename)
                folded.writestr(entry, content)
    return packed.getvalue()


def _entries(path: Path) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    """Each file's entry as it is to be beside the code, and its content."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise StackError(f"{path} is missing: run `make package`") from None
    with archive:
        for found in archive.infolist():
            entry = zipfile.ZipInfo(found.filename.removeprefix(_LAYER_ROOT), found.date_time)
            entry.external_attr = found.external_attr
            entry.compress_type = zipfile.ZIP_DEFLATED
            yield entry, archive.read(found)
