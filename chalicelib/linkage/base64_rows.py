"""Many base64 texts of one length at once, several times as fast as one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pybase64

from chalicelib.linkage.encodings import Batch


def decode_alike(texts: Sequence[str]) -> Batch | None:
    """The bytes of all texts, each of which is base64 as binascii's strict mode takes it (RFC 4648).

    None where they are not of one length and padding, are empty or are not base64: then one of
    them may be at fault, and which is for the caller to find.
    """
    count, length = len(texts), len(texts[0])
    padding = length - len(texts[0].rstrip("="))
    if not length or length % 4 or padding > 2 or len(set(map(len, texts))) > 1:
        return None
    try:
        letters = bytearray("".join(texts), "ascii")
        for place in range(length - padding, length):
            if letters[place::length] != b"=" * count:
                return None
            letters[place::length] = b"A" * count  # so that they are one text; what it adds is cut off again
        decoded = pybase64.b64decode(letters, validate=True)
    except ValueError:  # not ASCII, or not base64
        return None
    if len(decoded) != count * length // 4 * 3:  # the last of them has padding that the first has not
        return None
    rows = np.frombuffer(decoded, dtype=np.uint8).reshape(count, length // 4 * 3)
    # tobytes alone takes thirty times as long for rows that are cut
    data = np.ascontiguousarray(rows[:, : rows.shape[1] - padding]).tobytes()
    return Batch(data, rows.shape[1] - padding)
