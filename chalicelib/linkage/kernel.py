"""What compares: our own kernel where it is installed and runs, else anonlink's.

Both give the same pairs and the same floats. ``find(encodings_a, encodings_b, rectangles, threshold,
workers)`` gives the hits within rectangles of rows, in no order; their records are rows of the two sides,
(n, size) and (m, size) uint8, and their datasets are 0. ``prepare(encodings_a, encodings_b, threshold)``
gives a function from rectangles to such hits, in one or more arrays. Both raise ValueError for sizes
that differ or are no multiple of 8 bytes and for a threshold outside [0, 1].
"""

from __future__ import annotations

try:
    from chalicelib.linkage.native_kernel import block_work, find, prepare, work
except (ImportError, OSError):  # not installed, or built for another machine
    from chalicelib.linkage.anonlink_kernel import block_work, find, prepare, work

__all__ = ["block_work", "find", "prepare", "work"]
