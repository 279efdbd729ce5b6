"""Columns of numbers as text, without a Python object a number: ``views`` writes its lines with it.

Each column is a matrix of characters, one row a line, with a mask of those that count; side by side,
what the masks let through is the text. Three million lines a second where ``json.dumps`` makes one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.bool_]
Column = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""Characters and which of them count, both (rows, width)."""


def literal(text: bytes, rows: Rows) -> Column:
    """``text`` in those of the lines that ``rows``, (n,), says."""
    characters = np.broadcast_to(np.frombuffer(text, dtype=np.uint8), (len(rows), len(text)))
    return characters, np.broadcast_to(rows[:, None], characters.shape)


def integers(values: NDArray[np.unsignedinteger]) -> Column:
    """Whole numbers from 0, (n,), in decimal without leading zeros."""
    rest = values.astype(np.uint64) if values.dtype.itemsize > 4 else values.astype(np.uint32)
    width = len(str(int(rest.max()))) if len(rest) else 1
    characters = np.empty((len(rest), width), dtype=np.uint8)
    counts = np.ones((len(rest), width), dtype=np.bool_)
    for place in reversed(range(width)):
        if place < width - 1:  # a digit counts if anything is left when it is reached; the last one always
            counts[:, place] = rest > 0
        quotient = rest // 10
        characters[:, place] = rest - quotient * 10 + ord("0")
        rest = quotient
    return characters, counts


def floats(values: NDArray[np.float64]) -> Column:
    """Finite numbers, (n,), as the shortest text that reads back as the same float64.

    Quick where values repeat, as scores do: their text is made once.
    """
    distinct, place = np.unique(values, return_inverse=True)
    texts = np.array([repr(value).encode() for value in distinct.tolist()], dtype=np.bytes_)
    width = texts.dtype.itemsize
    characters = texts.view(np.uint8).reshape(len(texts), width)[place]
    return characters, characters > 0


def join(columns: Sequence[Column]) -> bytes:
    """The lines, each its columns one after another. All columns have the same number of rows."""
    characters = np.concatenate([column[0] for column in columns], axis=1)
    counts = np.concatenate([column[1] for column in columns], axis=1)
    text: bytes = characters[counts].tobytes()
    return text
