"""A model of large runs in AWS Lambda: what they take and cost by rates measured here, for chunks that the
real planner cuts.

Nothing of it was run in AWS. A worker's speed is that of this machine's cores times ``vcpu_speed``; chunks
are read from S3, workers come at the pace that Lambda allows, and each takes the next chunk when it is free.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.data import pair
from benchmarks.machine import isas
from benchmarks.measuring import environment, in_a_process, least_seconds
from benchmarks.runners.pairs import made
from chalicelib import prices
from chalicelib.linkage import comparison, merging, planning, rendering, solving
from chalicelib.linkage.block_planning import Pack, plan_blocks
from chalicelib.linkage.planning import Chunk
from chalicelib.linkage.rectangles import Rectangle, area

SIZE_BYTES = 128
_MEASURED_PAIRS = 1_000_000


@dataclass(frozen=True)
class Work:
    """Of a chunk: comparisons, and rows that must be fetched."""

    comparisons: int
    rows: int


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each of ``cases``, instruction set and number of ``workers``.

    A case has ``records`` a side and ``threshold``, and for blocked ones ``blocks``, ``block_records`` and
    ``sigma``: numbers of records are lognormal with that mean. ``lambda`` is what is assumed.
    """
    rows = []
    pairs_a_second = _rates_of_pairs()
    for case in experiment["cases"]:
        rates = {isa: _comparisons_a_second(case, isa) for isa in experiment["isas"] if isa in isas()}
        for workers in case["workers"]:
            settings = {**experiment["chunks"], "parallelism": workers}
            planned = in_a_process(lambda case=case, settings=settings: len(_plan(case, settings)))
            works = _plan(case, settings)
            plan_row = {
                "name": case["name"],
                "threshold": case["threshold"],
                "workers": workers,
                "chunks": len(works),
                "comparisons": sum(work.comparisons for work in works),
                "largest_chunk": max(work.comparisons for work in works),
                "planner_seconds": planned.seconds,
            }
            for isa, rate in rates.items():
                row = _modelled(experiment["lambda"], case, works, rate, workers, pairs_a_second)
                rows.append({**plan_row, "isa": isa, **row})
    return rows


def _plan(case: dict[str, Any], settings: dict[str, Any]) -> list[Work]:
    """What the planner cuts; raises AssertionError unless that is every comparison."""
    if "blocks" in case:
        blocks = _blocks(case)
        total = sum(map(area, blocks))
        chunks = list(plan_blocks(0, 1, blocks, planning.chunk_comparisons(total, **settings)))
        works = [_work(chunk, blocks) for chunk in chunks]
    else:
        counts = [case["records"], case["records"]]
        total = planning.total_comparisons(counts)
        works = [
            _work(chunk, [])
            for chunk in planning.plan_chunks(counts, planning.chunk_comparisons(total, **settings))
        ]
    assert sum(work.comparisons for work in works) == total
    return works


def _blocks(case: dict[str, Any]) -> list[Rectangle]:
    random = np.random.default_rng(case["blocks"])
    mean = np.log(case["block_records"]) - case["sigma"] ** 2 / 2
    sizes = np.maximum(1, random.lognormal(mean, case["sigma"], case["blocks"])).astype(np.int64)
    edges = [0, *np.cumsum(sizes).tolist()]
    return [(start, stop, start, stop) for start, stop in pairwise(edges)]


def _work(chunk: Chunk | Pack, blocks: list[Rectangle]) -> Work:
    if isinstance(chunk, Chunk):
        return Work(chunk.comparisons, chunk.stop_a - chunk.start_a + chunk.stop_b - chunk.start_b)
    first, last = blocks[chunk.first], blocks[chunk.stop - 1]
    return Work(chunk.comparisons, last[1] - first[0] + last[3] - first[2])


def _comparisons_a_second(case: dict[str, Any], isa: str) -> float:
    """Of one core, with ``measured_records`` a side, in blocks of the mean size if there are blocks."""
    data = pair(case["measured_records"])
    rows = np.arange(len(data.a), dtype=np.uint32)
    side = case.get("block_records", len(data.a))
    rectangles = [(at, at + side, at, at + side) for at in range(0, len(rows) - side + 1, side)]

    def compare() -> None:
        comparison.compare_blocks(
            *(data.a, data.b, rectangles, case["threshold"]),
            dataset_a=0,
            dataset_b=1,
            records_a=rows,
            records_b=rows,
        )

    with environment(DICE_KERNEL_ISA=isa):
        return sum(map(area, rectangles)) / least_seconds({"compare": compare}, 1)["compare"]


def _rates_of_pairs() -> dict[str, float]:
    """Pairs a second of merging, solving and rendering."""
    pairs = made(_MEASURED_PAIRS, 2, 1)
    runs = [[pairs[start::8]] for start in range(8)]
    groups = solving.solve_groups(pairs)
    seconds = least_seconds(
        {
            "merge": lambda: sum(map(len, merging.merge_candidates(runs))),
            "solve": lambda: rendering.groups_to_bytes(solving.solve_groups(pairs)),
            "render": lambda: sum(map(len, rendering.render_groups([groups]))),
        },
        2,
    )
    return {name: _MEASURED_PAIRS / took for name, took in seconds.items()}


def _modelled(
    assumed: dict[str, Any],
    case: dict[str, Any],
    works: list[Work],
    rate: float,
    workers: int,
    pairs_a_second: dict[str, float],
) -> dict[str, Any]:
    gb, cores = assumed["memory_mb"] / 1024, assumed["memory_mb"] / assumed["mb_a_vcpu"]
    rate_of_worker = rate * cores * assumed["vcpu_speed"]
    fetched_a_second = assumed["s3_megabytes_a_second"] * 1e6
    chunk_seconds = [
        assumed["call_seconds"]
        + work.comparisons / rate_of_worker
        + work.rows * SIZE_BYTES / fetched_a_second
        for work in works
    ]
    pairs = case["records"] * assumed["candidate_pairs_a_record"]
    after = sum(pairs / (speed * assumed["vcpu_speed"]) for speed in pairs_a_second.values())
    starts = [
        assumed["cold_start_seconds"] + worker / assumed["starts_a_second"] for worker in range(workers)
    ]
    elapsed = scheduled(chunk_seconds, starts)
    gb_seconds = (sum(chunk_seconds) + after) * gb
    return {
        "comparisons_a_second_a_core": rate,
        "compare_seconds": elapsed,
        "output_seconds": after,
        "seconds": elapsed + after,
        "worker_seconds": sum(chunk_seconds),
        "fetching_share": sum(work.rows for work in works)
        * SIZE_BYTES
        / fetched_a_second
        / sum(chunk_seconds),
        "usd": prices.usd(gb_seconds, len(works) + 5),
    }


def scheduled(seconds: list[float], starts: list[float]) -> float:
    """When the last of some tasks ends that go, in their order, to the worker that is free first."""
    free = list(starts)
    heapq.heapify(free)
    end = 0.0
    for task in seconds:
        finished = heapq.heappop(free) + task
        end = max(end, finished)
        heapq.heappush(free, finished)
    return end
