"""Blocked data sets as they are stored, made the plain way: what planning and comparing read."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from chalicelib.linkage.blocking import BlockIndex, block_hash


class Stored(NamedTuple):
    encodings: np.ndarray  # uint8, (stored rows, size)
    records: np.ndarray  # uint32, (stored rows,)
    index: BlockIndex

    def files(self) -> dict[str, bytes]:
        return {
            "encodings": self.encodings.tobytes(),
            "rows": self.records.astype("<u4").tobytes(),
            "blocks": self.index.to_bytes(),
        }


def in_block_order(encodings: np.ndarray, blocks: Sequence[Sequence[Any]]) -> Stored:
    """``blocks[i]`` are the names of record i's blocks."""
    members: dict[bytes, list[int]] = defaultdict(list)
    for record, names in enumerate(blocks):
        for name in {block_hash(name) for name in names}:
            members[name].append(record)
    hashes = sorted(members)
    records = np.array([record for name in hashes for record in members[name]], dtype=np.uint32)
    offsets = array("Q", accumulate((len(members[name]) for name in hashes), initial=0))
    return Stored(encodings[records], records, BlockIndex(b"".join(hashes), offsets))


def random_blocks(seed: int, counts: Sequence[int], names: int = 20) -> list[list[list[str | int]]]:
    """Records in several blocks, in one and in none; one large block beside small ones, and blocks
    that one party alone has."""
    random = np.random.default_rng(seed)
    blocks = []
    for party, count in enumerate(counts):
        of_party = []
        for _ in range(count):
            chosen: list[str | int] = [
                int(name) for name in random.integers(0, names, random.choice([0, 1, 1, 2, 4]))
            ]
            if random.random() < 0.5:
                chosen.append("large")
            if random.random() < 0.2:
                chosen.append(f"of party {party}")
            of_party.append(chosen)
        blocks.append(of_party)
    return blocks
