"""Certificates of authorities that a deployment trusts, in a layer that all functions have.

Which are needed is told in docs/packaging.md; without any, the package is as the release has it.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from deploy.errors import PackageError

LAYER = "base"
FILE = "ca.pem"  # /opt/ca.pem in the functions, where Terraform and docs/configuration.md look for it


def add(tree: Path, bundle: Path) -> None:
    """Copies ``bundle``, certificates in PEM, to the top of a layer's ``tree``. Raises PackageError.

    A file that OpenSSL would not take, or that a private key is in, is refused.
    """
    try:
        pem = bundle.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=bundle)
    except OSError as error:  # SSLError is one
        raise PackageError(f"{bundle} is no file of certificates in PEM: {error.strerror}") from error
    if b"PRIVATE KEY" in pem:
        raise PackageError(f"{bundle} has a private key in it; only certificates belong there")
    (tree / FILE).write_bytes(pem)
