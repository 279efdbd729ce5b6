"""What happens to candidate pairs, merging, solving and rendering; the first two against anonlink."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.measuring import Cost, in_a_process, least_seconds
from benchmarks.runners import anonlink_side
from chalicelib.linkage import candidates, merging, rendering, solving
from chalicelib.linkage.candidates import CANDIDATE_DTYPE, Candidates
from chalicelib.linkage.grouped_pairs import Groups

_BLOCK = 65_536  # pairs read at a time


def merge(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """``runs`` sorted files of ``pairs`` pairs each, merged from bytes to bytes, without repeats.

    A tenth of the pairs are in a second file as well; anonlink keeps these twice.
    """
    runs, pairs = experiment["runs"], experiment["pairs"]
    everything = made(runs * pairs, parties=2, seed=1)
    random = np.random.default_rng(2)
    owner = random.integers(0, runs, len(everything))
    second = np.where(random.random(len(everything)) < 0.1, random.integers(0, runs, len(everything)), owner)
    files = [
        b"".join(candidates.to_bytes([everything[(owner == run) | (second == run)]])) for run in range(runs)
    ]
    merged: dict[str, int] = {}

    def ours() -> None:
        blocks = [candidates.read_blocks([file], _BLOCK) for file in files]
        merged["ours"] = sum(map(len, candidates.to_bytes(merging.merge_candidates(blocks))))

    def anonlink() -> None:
        merged["anonlink"] = anonlink_side.merge_streams([BytesIO(file) for file in files], BytesIO())

    seconds = least_seconds({"ours": ours, "anonlink": anonlink}, experiment["repetitions"])
    is_right = merged["ours"] == 24 * len(everything) + 4 and merged["anonlink"] >= merged["ours"]
    pairs_read = sum(len(file) // 24 for file in files)
    return [_row(seconds, runs=runs, pairs_read=pairs_read, same_pairs=is_right)]


def solve(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Groups of sorted pairs, to the bytes that are written; ``cases`` of ``pairs`` and ``parties``."""
    rows = []
    for case in experiment["cases"]:
        pairs = made(case["pairs"], case["parties"], seed=3)
        fields = {name: array("I", pairs[name].tobytes()) for name in pairs.dtype.names[1:]}
        theirs = (
            array("d", pairs["score"].tobytes()),
            (fields["dataset_a"], fields["dataset_b"]),
            (fields["record_a"], fields["record_b"]),
        )
        groups: dict[str, Any] = {}
        calls: dict[str, Callable[[], Any]] = {
            "ours": partial(_solve, pairs, groups),
            "anonlink": lambda theirs=theirs, groups=groups: groups.update(
                anonlink=anonlink_side.greedy_solve(theirs)
            ),
        }
        seconds = least_seconds(calls, case.get("repetitions", experiment["repetitions"]))
        is_same = _group_set(groups["ours"]) == {
            frozenset(group) for group in groups["anonlink"] if len(group) > 1
        }
        rows.append(_row(seconds, **case, groups=len(groups["ours"]), same_groups=is_same))
    return rows


def _solve(pairs: Candidates, groups: dict[str, Any]) -> None:
    groups["ours"] = solving.solve_groups(pairs)
    rendering.groups_to_bytes(groups["ours"])


def _group_set(groups: Groups) -> set[frozenset[tuple[int, int]]]:
    members = iter([(dataset, record) for dataset, record in groups.members.tolist()])
    return {frozenset(islice(members, size)) for size in groups.sizes.tolist()}


def render(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """JSON of scored pairs, of each of ``pairs``, beside the standard library's of a whole document up to
    ``most_whole``; each in a process of its own, to see what memory it takes."""
    rows = []
    for count in experiment["pairs"]:
        pairs = made(count, parties=2, seed=4)
        cost = in_a_process(partial(_rendered, pairs))
        row = {"pairs": count, **_cost(cost), "megabytes": cost.size / 1e6}
        if count <= experiment["most_whole"]:
            whole = in_a_process(partial(_dumped, pairs))
            row |= {f"whole_{name}": value for name, value in _cost(whole).items()}
        rows.append(row)
    return rows


def _rendered(pairs: Candidates) -> int:
    blocks: Iterator[Candidates] = (pairs[at : at + _BLOCK] for at in range(0, len(pairs), _BLOCK))
    return sum(map(len, rendering.render_similarity_scores(blocks)))


def _dumped(pairs: Candidates) -> int:
    document = [
        [[dataset_a, record_a], [dataset_b, record_b], score]
        for score, dataset_a, dataset_b, record_a, record_b in pairs.tolist()
    ]
    return len(json.dumps({"similarity_scores": document}))


def made(count: int, parties: int, seed: int) -> Candidates:
    """Sorted pairs without repeats: two in five join records of the same number, which score higher."""
    random = np.random.default_rng(seed)
    more = count + count // 4 + 100  # for the repeats among them
    dataset_a = random.integers(0, parties - 1, more)
    dataset_b = dataset_a + 1 + random.integers(0, parties, more) % (parties - 1 - dataset_a)
    record_a, record_b = random.integers(0, max(10, count // 2), (2, more))
    record_b = np.where(random.random(more) < 0.4, record_a, record_b)
    keys = (dataset_a << 58) | (dataset_b << 54) | (record_a << 27) | record_b
    keys = random.permutation(np.unique(keys))[:count]
    pairs = np.zeros(count, dtype=CANDIDATE_DTYPE)
    pairs["dataset_a"], pairs["dataset_b"] = keys >> 58, keys >> 54 & 15
    pairs["record_a"], pairs["record_b"] = keys >> 27 & 0x7FFFFFF, keys & 0x7FFFFFF
    least = np.where(pairs["record_a"] == pairs["record_b"], 0.85, 0.8)
    pairs["score"] = least + 0.15 * random.random(count)
    return candidates.sort_candidates(pairs)


def _row(seconds: dict[str, float], **fields: Any) -> dict[str, Any]:
    ratio = seconds["anonlink"] / seconds["ours"]
    return {**fields, "seconds": seconds["ours"], "anonlink_seconds": seconds["anonlink"], "ratio": ratio}


def _cost(cost: Cost) -> dict[str, float]:
    return {"seconds": cost.seconds, "peak_mb": cost.peak_mb}
