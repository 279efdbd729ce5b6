"""A model of large runs in AWS Lambda: what they take and cost by rates measured here, for chunks that the
real planner cuts.

Nothing of it was run in AWS. A worker's speed is that of this machine's cores times ``vcpu_speed``; chunks
are read from S3, workers come at the pace that Lambda allows, and each takes the next chunk when it is free.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.data import pair
from benchmarks.machine import isas
from benchmarks.measuring import environment, least_seconds
from benchmarks.runners.pairs import made
from chalicelib import prices
from chalicelib.linkage import comparison, kernel, merging, planning, rendering, solving
from chalicelib.linkage.block_planning import Pack, plan_blocks
from chalicelib.linkage.chunk_sizing import chunk_size
from chalicelib.linkage.rectangles import Rectangle, area
from chalicelib.linkage.work import Work

SIZE_BYTES = 128
_MEASURED_PAIRS = 1_000_000
_SAMPLE_ROWS = 8_192  # as the workflow's plan


@dataclass(frozen=True)
class Chunk:
    """Comparisons, rows that must be fetched, and work in standard comparisons."""

    comparisons: int
    rows: int
    work: float


def run(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each of ``cases``, number of ``workers`` and instruction set.

    A case has ``records`` a side and ``threshold``, and for blocked ones ``blocks``, ``block_records`` and
    ``sigma``: numbers of records are lognormal with that mean. ``lambda`` is what is assumed.
    """
    rows = []
    assumed, pairs_a_second = experiment["lambda"], _rates_of_pairs()
    for case in experiment["cases"]:
        for isa in [isa for isa in experiment["isas"] if isa in isas()]:
            with environment(DICE_KERNEL_ISA=isa):
                case_work = CaseWork(case)
                rate = case_work.measured_rate()
                for workers in case["workers"]:
                    started = time.perf_counter()
                    chunks = case_work.plan(assumed, {**experiment["chunks"], "parallelism": workers})
                    rows.append(
                        {
                            "name": case["name"],
                            "threshold": case["threshold"],
                            "workers": workers,
                            "isa": isa,
                            "chunks": len(chunks),
                            "comparisons": sum(chunk.comparisons for chunk in chunks),
                            "largest_chunk": max(chunk.comparisons for chunk in chunks),
                            "planner_seconds": time.perf_counter() - started,
                            **_modelled(assumed, case, chunks, rate, workers, pairs_a_second),
                        }
                    )
    return rows


class CaseWork:
    """The work of a case, by data of its kind that is measured and sampled here."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._case = case
        self._data = pair(case["measured_records"])
        self._samples = self._data.a[:_SAMPLE_ROWS], self._data.b[:_SAMPLE_ROWS]

    def measured_rate(self) -> float:
        """Standard comparisons a second of one core, with ``measured_records`` a side, in blocks of the mean
        size if there are blocks."""
        a, b = self._data.a, self._data.b
        rows = np.arange(len(a), dtype=np.uint32)
        side = self._case.get("block_records", len(a))
        rectangles = [(at, at + side, at, at + side) for at in range(0, len(rows) - side + 1, side)]

        def compare() -> None:
            comparison.compare_blocks(
                *(a, b, rectangles, self._case["threshold"]),
                dataset_a=0,
                dataset_b=1,
                records_a=rows,
                records_b=rows,
            )

        seconds = least_seconds({"compare": compare}, 2)["compare"]
        if "blocks" in self._case:
            return kernel.block_work(sum(map(area, rectangles)), SIZE_BYTES) / seconds
        return self.work_of(len(a), len(b)).least / seconds

    @cache  # noqa: B019  # lives as long as its case; most tiles have one of two sizes
    def work_of(self, count_a: int, count_b: int) -> Work:
        return kernel.work(*self._samples, self._case["threshold"], count_a, count_b)

    def plan(self, assumed: dict[str, Any], settings: dict[str, Any]) -> list[Chunk]:
        """What the planner cuts; raises AssertionError unless that is every comparison."""
        rows = planning.max_rows(assumed["memory_mb"] * 2**20, SIZE_BYTES)
        rate = settings["comparisons_per_second"] * assumed["memory_mb"] / assumed["mb_a_vcpu"]
        least, most = (rate * settings[name] for name in ("min_seconds", "max_seconds"))
        row = rate * SIZE_BYTES / (assumed["s3_megabytes_a_second"] * 1e6)
        workers = planning.Workers(settings["parallelism"], least, most, row)
        if "blocks" in self._case:
            blocks = _blocks(self._case)
            total = sum(map(area, blocks))
            share = workers.share(kernel.block_work(total, SIZE_BYTES))
            size = planning.ChunkSize(int(share / kernel.block_work(1, SIZE_BYTES)), rows)
            chunks = [_of_blocks(chunk, blocks) for chunk in plan_blocks(0, 1, blocks, size)]
        else:
            counts = [self._case["records"], self._case["records"]]
            total = planning.total_comparisons(counts)
            size = chunk_size(self.work_of, *counts, workers, rows)
            chunks = [self._of_rows(chunk) for chunk in planning.plan_chunks(counts, lambda *_: size)]
        assert sum(chunk.comparisons for chunk in chunks) == total
        return chunks

    def _of_rows(self, chunk: planning.Chunk) -> Chunk:
        rows_a, rows_b = chunk.stop_a - chunk.start_a, chunk.stop_b - chunk.start_b
        return Chunk(chunk.comparisons, rows_a + rows_b, self.work_of(rows_a, rows_b).least)


def _blocks(case: dict[str, Any]) -> list[Rectangle]:
    random = np.random.default_rng(case["blocks"])
    mean = np.log(case["block_records"]) - case["sigma"] ** 2 / 2
    sizes = np.maximum(1, random.lognormal(mean, case["sigma"], case["blocks"])).astype(np.int64)
    edges = [0, *np.cumsum(sizes).tolist()]
    return [(start, stop, start, stop) for start, stop in pairwise(edges)]


def _of_blocks(chunk: planning.Chunk | Pack, blocks: list[Rectangle]) -> Chunk:
    work = kernel.block_work(chunk.comparisons, SIZE_BYTES)
    if isinstance(chunk, Pack):
        first, last = blocks[chunk.first], blocks[chunk.stop - 1]
        return Chunk(chunk.comparisons, last[1] - first[0] + last[3] - first[2], work)
    rows = chunk.stop_a - chunk.start_a + chunk.stop_b - chunk.start_b
    return Chunk(chunk.comparisons, rows, work)


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
    chunks: list[Chunk],
    rate: float,
    workers: int,
    pairs_a_second: dict[str, float],
) -> dict[str, Any]:
    gb, cores = assumed["memory_mb"] / 1024, assumed["memory_mb"] / assumed["mb_a_vcpu"]
    rate_of_worker = rate * cores * assumed["vcpu_speed"]
    fetched_a_second = assumed["s3_megabytes_a_second"] * 1e6
    chunk_seconds = [
        assumed["call_seconds"] + chunk.work / rate_of_worker + chunk.rows * SIZE_BYTES / fetched_a_second
        for chunk in chunks
    ]
    pairs = case["records"] * assumed["candidate_pairs_a_record"]
    after = sum(pairs / (speed * assumed["vcpu_speed"]) for speed in pairs_a_second.values())
    starts = [
        assumed["cold_start_seconds"] + worker / assumed["starts_a_second"] for worker in range(workers)
    ]
    elapsed = scheduled(chunk_seconds, starts)
    gb_seconds = (sum(chunk_seconds) + after) * gb
    return {
        "standard_comparisons_a_second_a_core": rate,
        "compare_seconds": elapsed,
        "output_seconds": after,
        "seconds": elapsed + after,
        "worker_seconds": sum(chunk_seconds),
        "fetching_share": sum(chunk.rows for chunk in chunks)
        * SIZE_BYTES
        / fetched_a_second
        / sum(chunk_seconds),
        "usd": prices.usd(gb_seconds, len(chunks) + 5),
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
