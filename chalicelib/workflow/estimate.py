"""What a run would find and cost, before any: the API calls ``estimate`` and waits a second or two.

Reads all encodings where they are few, else some windows of each data set, and compares what it read.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from chalice.app import Blueprint

from chalicelib.config import settings
from chalicelib.errors import PermanentError
from chalicelib.linkage import planning, sampling
from chalicelib.linkage.kernel import block_work
from chalicelib.linkage.sampling import ScoreSample
from chalicelib.linkage.tiles import TILE_COMPARISONS, blocked_comparisons
from chalicelib.prices import usd
from chalicelib.storage import projects
from chalicelib.storage.costs import comparisons_per_second, encrypting_seconds
from chalicelib.storage.projects import Dataset, Project
from chalicelib.workflow.chunk_sizes import SMALL_RUN_MEMORY_MB, RunWork, is_small, workers
from chalicelib.workflow.mask_slices import plan_slices
from chalicelib.workflow.run_data import RunData, read_run_data
from chalicelib.workflow.sampled_data import SampledData
from chalicelib.workflow.task import Event, task

tasks = Blueprint(__name__)

_DRAWS = 64
_EDGES = [round(hundredth / 100, 2) for hundredth in range(101)]
_THRESHOLDS = [round(hundredth / 100, 2) for hundredth in range(50, 101, 5)]
_USUAL_THRESHOLD = 0.8  # whose cost is told when none is asked for
_OTHER_CALLS = 5  # of a run besides its chunks: plan, merge, solve, complete and the like


@tasks.lambda_function()
@task
def estimate(event: Event) -> dict[str, Any]:
    """The answer of ``POST …/estimate`` for ``project_id``; ``threshold`` adds one to the list, ``seed``
    fixes what is drawn.

    Raises PermanentError when not all data sets are ready.
    """
    project, datasets = projects.find(event["project_id"]), projects.datasets(event["project_id"])
    _check(datasets, project.number_parties)
    data = read_run_data(project, datasets)
    total = _total(data)
    threshold = event.get("threshold")
    cost = _cost(data, total, _USUAL_THRESHOLD if threshold is None else threshold)
    extra = [] if threshold is None else [float(threshold)]
    edges = sorted({*_EDGES, *extra})
    samples = _sample(data, total, edges, event.get("seed"))
    first, second = samples
    counts = np.concatenate([first.bins()[: second.floor], second.bins()[second.floor :]])
    counts[-2] += counts[-1]  # the last bin of the histogram has its upper end, 1
    return {
        "comparisons": total,
        "sampled_comparisons": sum(sample.comparisons for sample in {*samples}),
        "histogram": {"edges": edges, "counts": [round(count) for count in counts[:-1].tolist()]},
        "candidate_pairs": [
            _candidate_pairs(samples, edges, each) for each in sorted({*_THRESHOLDS, *extra})
        ],
        **_with_mask(cost, project, datasets),
    }


def _check(datasets: list[Dataset], number_parties: int) -> None:
    if len(datasets) != number_parties:
        raise PermanentError(f"{len(datasets)} of {number_parties} data sets are ready")


def _total(data: RunData) -> int:
    if data.indexes is not None:
        return blocked_comparisons(data.indexes)
    return planning.total_comparisons([dataset["stored_rows"] for dataset in data.datasets])


def _sample(
    data: RunData, total: int, edges: list[float], seed: int | None
) -> tuple[ScoreSample, ScoreSample]:
    if total == 0:
        nothing = ScoreSample(edges, total, is_complete=True)
        return nothing, nothing
    random = np.random.default_rng(seed)
    # The time of a comparison grows with the encodings.
    tile_comparisons = min(
        TILE_COMPARISONS, TILE_COMPARISONS * 128 // data.datasets[0]["encoding_size_bytes"]
    )
    sampled = SampledData(data, random, tile_comparisons)
    everything = sampled.everything(_DRAWS * tile_comparisons)
    draws = [sampled.draw() for _ in range(_DRAWS)]
    return sampling.sample_scores(draws, edges, total, everything, random)


def _candidate_pairs(
    samples: tuple[ScoreSample, ScoreSample], edges: list[float], threshold: float
) -> dict[str, float]:
    first, second = samples
    edge = edges.index(threshold)
    found = (second if edge >= second.floor else first).at_least(edge)
    return {
        "threshold": threshold,
        "pairs": round(found.pairs),
        "low": math.floor(found.low),
        "high": math.ceil(found.high),
    }


def _cost(data: RunData, total: int, threshold: float) -> dict[str, float]:
    """Of comparing, which is nearly all of it unless very many pairs are found."""
    s = settings()
    work, is_one_call = _work(data, total, threshold)
    if is_one_call:
        calls, memory_mb = _OTHER_CALLS, SMALL_RUN_MEMORY_MB
        seconds = used = work / comparisons_per_second(memory_mb)
    else:
        memory_mb = s.compare_memory_mb
        share = workers(data.datasets[0]["encoding_size_bytes"]).share(work)
        used, chunk = (each / comparisons_per_second(memory_mb) for each in (work, share))
        chunks = math.ceil(used / chunk)
        seconds = math.ceil(chunks / s.compare_concurrency) * min(chunk, used)
        calls = chunks + _OTHER_CALLS
    return {"seconds": round(seconds, 3), "dollars": round(usd(used * memory_mb / 1024, calls), 6)}


def _with_mask(cost: dict[str, Any], project: Project, datasets: list[Dataset]) -> dict[str, Any]:
    """The cost of comparing, and of encrypting the mask where that is to be done."""
    if not project.has_encrypted_mask:
        return cost
    mask = _mask_cost(min(dataset.count for dataset in datasets), project.key_bits)
    both = {name: round(cost[name] + mask[name], 6) for name in ("seconds", "dollars")}
    return cost | both | {"mask": mask}


def _mask_cost(bits: int, key_bits: int) -> dict[str, Any]:
    s = settings()
    used = encrypting_seconds(bits, key_bits, s.compare_memory_mb)
    slices = len(list(plan_slices(bits, key_bits)))
    seconds = math.ceil(slices / s.compare_concurrency) * used / max(1, slices)
    dollars = usd(used * s.compare_memory_mb / 1024, slices)
    return {"bits": bits, "seconds": round(seconds, 3), "dollars": round(dollars, 6)}


def _work(data: RunData, total: int, threshold: float) -> tuple[float, bool]:
    """A run's, and whether it is small."""
    if data.indexes is None:
        counts = [dataset["stored_rows"] for dataset in data.datasets]
        run = RunWork(data, threshold, {(a, b): counts[a] * counts[b] for a, b in data.pairs()})
        return run.total, run.is_small
    work = block_work(total, data.datasets[0]["encoding_size_bytes"])
    return work, is_small(data, work)
