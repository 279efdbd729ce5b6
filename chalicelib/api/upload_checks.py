"""What every upload route asks of an upload, whatever form the encodings have."""

from __future__ import annotations

from chalicelib.config import settings
from chalicelib.errors import BadRequest, Forbidden
from chalicelib.storage.projects import Project


def check_encoding_size(size: int, expected: int | None = None) -> None:
    """Raises BadRequest unless encodings of ``size`` bytes can be linked (in a project that expects some)."""
    s = settings()
    if size % 8:
        raise BadRequest(f"Encoding size must be multiple of 8 bytes (64 bits), got {size} bytes")
    if not s.min_encoding_size_bytes <= size <= s.max_encoding_size_bytes:
        raise BadRequest(
            f"Encoding size out of configured bounds: {size} bytes, allowed are"
            f" {s.min_encoding_size_bytes} to {s.max_encoding_size_bytes}"
        )
    if expected is not None and size != expected:
        raise BadRequest(f"The encodings of this project have {expected} bytes, not {size}")


def check_blocking(project: Project, *, has_blocks: bool) -> None:
    """Raises Forbidden unless blocks come exactly where the project uses blocking."""
    if has_blocks and not project.uses_blocking:
        raise Forbidden("Blocking has been disabled for this project, but received blocking information")
    if project.uses_blocking and not has_blocks:
        raise Forbidden("Expecting blocking information: either in 'blocks' or 'clknblocks'")
