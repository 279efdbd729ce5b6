"""Results as Markdown tables: a function an experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

TIMES = "\N{MULTIPLICATION SIGN}"

Rows = list[dict[str, Any]]


def table(name: str, results: dict[str, Any]) -> str:
    """The table of an experiment, or ``machine``, what everything was measured on."""
    if name == "machine":
        return machine(results)
    return _TABLES[name](results["experiments"][name]["rows"])


def machine(results: dict[str, Any]) -> str:
    experiments = list(results["experiments"].values())
    if not experiments:
        return "Nothing was measured."
    on = experiments[0]["machine"]
    loads = [found["machine"]["load_at_start"] for found in experiments]
    days = sorted({found["at"][:10] for found in experiments})
    return (
        f"{on['processor']} (family and model {on['family_and_model']}), {on['cores']} cores, "
        f"{on['memory_gb']:.0f} GB; Python {on['python']}, numpy {on['numpy']}, anonlink {on['anonlink']}; "
        f"{' and '.join(days)}, {sum(found['seconds'] for found in experiments) / 60:.0f} minutes in all, "
        f"load when an experiment started {min(loads)} to {max(loads)}."
    )


def kernel(rows: Rows) -> str:
    threads = next((row["threads"] for row in rows if row["threads"] > 1), None)
    lines = []
    for row in rows:
        if row["threads"] > 1:
            continue
        lines.append(
            [
                _count(row["records"]),
                f"{row['size_bytes']}",
                f"{row['threshold']}",
                row["isa"],
                seconds(row["anonlink_seconds"]),
                seconds(row["seconds"]),
                f"{row['pairs_per_second'] / 1e6:,.0f}",
                "" if row["share_of_limit"] is None else f"{100 * row['share_of_limit']:.0f} %",
                times(row["ratio"]),
                _with_threads(rows, row),
            ]
        )
    head = ["records a side", "bytes", "threshold", "instructions", "anonlink", "here", "M pairs/s"]
    head += ["of the instruction limit (above 100 % by words left unread)", TIMES]
    if threads is None:
        return _table(head, [line[:-1] for line in lines])
    return _table([*head, f"{TIMES} on {threads} cores"], lines)


def _with_threads(rows: Rows, one: dict[str, Any]) -> str:
    keys = ("records", "size_bytes", "threshold", "isa")
    same = [row for row in rows if row["threads"] > 1 and all(row[key] == one[key] for key in keys)]
    return times(same[0]["ratio"]) if same else ""


def growth(rows: Rows) -> str:
    lines = []
    for row in rows:
        took, measured = row["seconds"], row["measured"]
        lines.append(
            [
                _count(row["records"]),
                f"{row['threshold']}",
                *(seconds(took[way]) + _scaled(row, measured[way]) for way in ("anonlink", "tiled", "index")),
                row["chosen"],
                times(took["anonlink"] / took[row["chosen"]]),
            ]
        )
    head = ["records a side", "threshold", "anonlink", "tiled", "index join", "chosen", TIMES]
    exponents = "; ".join(
        f"at {threshold} from {_count(first)} to {_count(last)} records {value:.2f}"
        for threshold, first, last, value in growth_exponents(rows)
    )
    note = "\\* scaled from a part of the work. Growth exponents of the index join: "
    return f"{_table(head, lines)}\n\n{note}{exponents}."


def growth_exponents(rows: Rows) -> list[tuple[float, int, int, float]]:
    """Of the index join: threshold, smallest and largest size, slope of log(seconds) by log(records)."""
    found = []
    for threshold in sorted({row["threshold"] for row in rows}, reverse=True):
        points = [(row["records"], row["seconds"]["index"]) for row in rows if row["threshold"] == threshold]
        for first, last in ((20_000, 300_000), (100_000, 1_000_000)):
            within = [point for point in points if first <= point[0] <= last]
            if len(within) > 1:
                logs = np.log(np.array(within))
                slope = float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])
                found.append((threshold, within[0][0], within[-1][0], slope))
    return found


def _scaled(row: dict[str, Any], measured: str) -> str:
    whole = f"{row['records']} x {row['records']}"
    done, _, parts = measured.partition(" of ")
    return "" if measured == whole or (parts and f"{done} parts" == parts) else "\\*"


def blocks(rows: Rows) -> str:
    head = ["records of a block on each side", "instructions", "here", "anonlink, a call a block", TIMES]
    head += ["anonlink, find_candidate_pairs", TIMES]
    return _table(
        head,
        (
            [
                f"{row['side']}",
                row["isa"],
                f"{row['microseconds_a_block']:.2f} µs",
                f"{row['anonlink_microseconds_a_block']:.0f} µs",
                times(row["ratio"]),
                f"{row['anonlink_blocking_microseconds_a_block']:.0f} µs",
                times(row["anonlink_blocking_microseconds_a_block"] / row["microseconds_a_block"]),
            ]
            for row in rows
        ),
    )


def merge(rows: Rows) -> str:
    return _compared(rows, lambda row: f"{row['runs']} runs, {_count(row['pairs_read'])} pairs")


def solve(rows: Rows) -> str:
    return _compared(rows, lambda row: f"{_count(row['pairs'])} pairs of {row['parties']} parties")


def _compared(rows: Rows, what: Callable[[dict[str, Any]], str]) -> str:
    return _table(
        ["work", "anonlink", "here", TIMES],
        (
            [what(row), seconds(row["anonlink_seconds"]), seconds(row["seconds"]), times(row["ratio"])]
            for row in rows
        ),
    )


def render(rows: Rows) -> str:
    head = ["pairs", "MB", "seconds", "peak memory", "json.dumps of the whole", "its peak memory"]
    return _table(
        head,
        (
            [
                _count(row["pairs"]),
                f"{row['megabytes']:.0f}",
                seconds(row["seconds"]),
                _mb(row["peak_mb"]),
                *(
                    [seconds(row["whole_seconds"]), _mb(row["whole_peak_mb"])]
                    if "whole_seconds" in row
                    else ["", ""]
                ),
            ]
            for row in rows
        ),
    )


def parse(rows: Rows) -> str:
    head = ["records", "MB", "json.load and b64decode", "here", TIMES, "memory there", "memory here"]
    return _table(
        head,
        (
            [
                _count(row["records"]),
                f"{row['megabytes']:.0f}",
                seconds(row["standard_seconds"]),
                seconds(row["seconds"]),
                times(row["standard_seconds"] / row["seconds"]),
                _mb(row["standard_peak_mb"]),
                _mb(row["peak_mb"]),
            ]
            for row in rows
        ),
    )


def ingest(rows: Rows) -> str:
    head = ["form", "records", "seconds", "peak memory", "of which not files"]
    return _table(
        head,
        (
            [
                row["form"],
                _count(row["records"]),
                seconds(row["seconds"]),
                _mb(row["peak_mb"]),
                _mb(row["anonymous_mb"]),
            ]
            for row in rows
        ),
    )


def mask(rows: Rows) -> str:
    lines = [
        [
            _count(row["key_bits"]),
            f"{row['phe_bits_per_second']:,.0f}",
            f"{row['bits_per_second']:,.0f}",
            f"{row['bits_per_second_by_all']:,.0f}",
            times(row["speed_up"]),
            _count(row["characters_a_bit"]),
            seconds(row["model_seconds"]),
            f"${row['model_usd']:.2f}",
        ]
        for row in rows
    ]
    head = [
        "key",
        "phe, bits/s",
        "here, one thread",
        f"{rows[0]['threads']} threads",
        TIMES,
        "characters a bit",
    ]
    return _table([*head, "a million bits on 1,000 functions", "price"], lines)


def end_to_end(rows: Rows) -> str:
    stages = ("plan", "compare", "merge", "solve", "render")
    head = [
        "records a side",
        "upload",
        "threshold",
        "upload + ingest",
        *stages,
        "whole run",
        "anonlink",
        TIMES,
    ]
    times_table = _table(
        head,
        (
            [
                _count(row["records"]),
                case_format(row),
                f"{row['threshold']}",
                f"{row['upload_seconds']:.1f} + {row['ingest_seconds']:.1f} s",
                *(seconds(row["stages"][stage]) if stage in row["stages"] else "" for stage in stages),
                f"**{seconds(row['seconds'])}**",
                seconds(row["anonlink_seconds"]) + ("\\*" if "anonlink_rows" in row else ""),
                times(row["anonlink_seconds"] / row["seconds"]),
            ]
            for row in rows
        ),
    )
    names = sorted({name for row in rows for name in row["peak_memory_mb"]})
    peaks = {name: max(row["peak_memory_mb"].get(name, 0) for row in rows) for name in names}
    memory = ", ".join(f"`{name}` {peak}" for name, peak in peaks.items())
    note = "\\* from the first 20,000 records of one side against all of the other, scaled."
    return (
        f"{times_table}\n\n{note}\n\nPeak memory of a function's process over all of these, in MB: {memory}."
    )


def case_format(row: dict[str, Any]) -> str:
    """How the records were uploaded."""
    kind = "JSON" if row.get("format") == "json" else "binary"
    return f"{kind}, blocks of {row['block_records']}" if "block_records" in row else kind


def overhead(rows: Rows) -> str:
    counts_head = ["records a side", "chunks", "transitions", "calls", "S3 writes + reads", "Postgres"]
    counts_head += ["Redis", "$ for 1,000 runs: transitions", "functions", "S3"]
    counts = _table(
        counts_head,
        (
            [
                _case_reused(row),
                _count(row["chunks"]),
                _count(row["transitions"]),
                _count(sum(row["calls"].values())),
                f"{row['s3']['writes']} + {row['s3']['reads']}",
                f"{row['postgres']['transactions']} in {row['postgres']['round_trips']} round trips",
                _count(row["redis"]),
                *(f"{1000 * row['usd'][part]:.4f}" for part in ("transitions", "functions", "s3")),
            ]
            for row in rows
        ),
    )
    names = dict.fromkeys(name for row in rows for name in row["states"])
    times_head = ["records a side", "before it starts", "execution", "no function at work", *names]
    milliseconds = _table(
        times_head,
        (
            [
                _case_reused(row),
                *(f"{value:.0f} ms" for value in _execution(row["milliseconds"])),
                *(_state(row["states"].get(name)) for name in names),
            ]
            for row in rows
        ),
    )
    return f"{counts}\n\n{milliseconds}"


def _case_reused(row: dict[str, Any]) -> str:
    return _count(row["records"]) + (", reusing pairs" if row.get("reuses") else "")


def _execution(milliseconds: dict[str, float]) -> tuple[float, float, float]:
    whole = milliseconds["execution"]
    return milliseconds["request"], whole, max(0.0, whole - milliseconds["functions"])


def _state(of_one: dict[str, float] | None) -> str:
    if of_one is None:
        return ""
    beside = max(0.0, of_one["milliseconds"] - of_one["functions"])
    return f"{of_one['functions']:.0f} + {beside:.0f} ms"


def scale(rows: Rows) -> str:
    head = ["work", "threshold", "workers", "chunks", "instructions", "compare", "merge to render", "cost"]
    return _table(
        head,
        (
            [
                row["name"],
                f"{row['threshold']}",
                _count(row["workers"]),
                _count(row["chunks"]),
                row["isa"],
                seconds(row["compare_seconds"]),
                seconds(row["output_seconds"]),
                f"${row['usd']:.3f}" if row["usd"] < 0.1 else f"${row['usd']:.2f}",
            ]
            for row in rows
        ),
    )


_TABLES: dict[str, Callable[[Rows], str]] = {
    "kernel": kernel,
    "encoding-size": kernel,
    "growth": growth,
    "blocks": blocks,
    "merge": merge,
    "solve": solve,
    "render": render,
    "parse": parse,
    "ingest": ingest,
    "mask": mask,
    "end-to-end": end_to_end,
    "overhead": overhead,
    "scale": scale,
}


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def seconds(value: float) -> str:
    """With three digits, in a unit that suits."""
    if value >= 5400:
        return f"{value / 3600:.1f} h"
    if value >= 100:
        return f"{value:,.0f} s"
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"


def times(ratio: float) -> str:
    """A multiple, with two digits or all there are before the point."""
    return (f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}") + TIMES


def _count(number: int) -> str:
    return f"{number:,}"


def _mb(megabytes: float) -> str:
    return f"{megabytes:,.0f} MB"
