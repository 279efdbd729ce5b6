"""What makes a package refused."""

from __future__ import annotations


class PackageError(Exception):
    """The package cannot be built, or Lambda would not take it. The message names the remedy."""
