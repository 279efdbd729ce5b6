"""Results as pictures, in colours that the colour-blind tell apart (Okabe and Ito), anonlink in grey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.tables import TIMES, case_format, seconds, times

GREY, BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#8c8c8c", "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9",
)  # fmt: skip
ISA_COLOURS = {"avx512": BLUE, "avx2": ORANGE, "neon": GREEN, "portable": SKY}
STAGE_COLOURS = {"plan": SKY, "compare": BLUE, "merge": GREEN, "solve": ORANGE, "render": PURPLE}

Rows = list[dict[str, Any]]


def draw(results: dict[str, Any], directory: Path) -> None:
    """A PNG for each plot whose experiment was measured."""
    found = {name: one["rows"] for name, one in results["experiments"].items()}
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        if "kernel" in found:
            kernel(found["kernel"], directory / "benchmark-kernel.png")
        if "growth" in found:
            growth(found["growth"], directory / "benchmark-growth.png")
        if "end-to-end" in found:
            end_to_end(found["end-to-end"], directory / "benchmark-end-to-end.png")
        if found.keys() >= {"blocks", "merge", "solve", "parse"}:
            others(found, directory / "benchmark-others.png")


def kernel(rows: Rows, file: Path) -> None:
    """Multiples of anonlink by threshold and instruction set, for the largest data."""
    largest = max(row["records"] for row in rows)
    rows = [row for row in rows if row["records"] == largest]
    bars = {(row["isa"], row["threads"]): [] for row in rows}
    thresholds = sorted({row["threshold"] for row in rows})
    for row in sorted(rows, key=lambda row: float(row["threshold"])):
        bars[row["isa"], row["threads"]].append(row["ratio"])
    order = sorted(bars, key=lambda bar: -max(bars[bar]))
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    width = 0.85 / len(order)
    for place, (isa, threads) in enumerate(order):
        at = [index + (place - (len(order) - 1) / 2) * width for index in range(len(thresholds))]
        label = f"{isa}, {threads} cores" if threads > 1 else f"{isa}, one core"
        style = {"hatch": "///", "edgecolor": "white"} if threads > 1 else {}
        drawn = axes.bar(at, bars[isa, threads], width * 0.94, color=ISA_COLOURS[isa], label=label, **style)
        axes.bar_label(drawn, [times(ratio) for ratio in bars[isa, threads]], fontsize=7, padding=1)
    axes.axhline(1, color=GREY, linewidth=1.5, label="anonlink, one core")
    axes.set_xticks(range(len(thresholds)), [f"threshold {threshold}" for threshold in thresholds])
    axes.set_ylabel("times as fast as anonlink")
    axes.set_title(f"All pairs of {largest:,} {TIMES} {largest:,} encodings of 1,024 bits", fontsize=10)
    axes.legend(frameon=False, fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, file)


def growth(rows: Rows, file: Path) -> None:
    """Seconds by number of records, a panel a threshold."""
    thresholds = sorted({row["threshold"] for row in rows}, reverse=True)
    figure, panels = plt.subplots(
        1, len(thresholds), figsize=(9, 3.4), sharey=True, sharex=True, layout="constrained"
    )
    ways = (
        ("anonlink", "anonlink", GREY, "s"),
        ("tiled", "tiled kernel, every pair", ORANGE, "^"),
        ("index", "index join", BLUE, "o"),
    )
    for axes, threshold in zip(panels, thresholds, strict=True):
        some = [row for row in rows if row["threshold"] == threshold]
        sizes = [row["records"] for row in some]
        for way, label, colour, marker in ways:
            took = [row["seconds"][way] for row in some]
            axes.plot(sizes, took, marker=marker, color=colour, label=label, markersize=4)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(f"threshold {threshold}", fontsize=10)
        axes.set_xlabel("records a side")
        axes.set_xticks([20_000, 100_000, 1_000_000], ["20k", "100k", "1M"])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(True, which="major", color="#e0e0e0", linewidth=0.6)
        last = some[-1]["seconds"]
        best = times(last["anonlink"] / min(last["index"], last["tiled"]))
        axes.text(0.97, 0.04, f"at the right: {best}", ha="right", transform=axes.transAxes, fontsize=9)
    panels[0].set_ylabel("seconds on one core")
    _plain_ticks(panels[0].yaxis)
    panels[0].legend(frameon=False, fontsize=8, loc="upper left")
    _save(figure, file)


def end_to_end(rows: Rows, file: Path) -> None:
    """Stages of runs, and how long anonlink takes in one process; small runs have nothing to compare with."""
    rows = [row for row in rows if row["anonlink_seconds"] > 0.1]
    figure, panels = plt.subplots(1, len(rows), figsize=(9, 3.4), layout="constrained", squeeze=False)
    for axes, row in zip(panels[0], rows, strict=True):
        bottom = 0.0
        for stage, colour in STAGE_COLOURS.items():
            took = row["stages"].get(stage, 0)
            axes.bar(1, took, bottom=bottom, color=colour, label=stage, width=0.7)
            bottom += took
        rest = max(0.0, row["seconds"] - bottom)
        axes.bar(1, rest, bottom=bottom, color="#dddddd", label="requests of the client", width=0.7)
        axes.bar(0, row["anonlink_seconds"], color=GREY, label="anonlink, one process", width=0.7)
        for place, took in ((0, row["anonlink_seconds"]), (1, row["seconds"])):
            axes.annotate(
                seconds(took),
                (place, took),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        axes.set_xticks([0, 1], ["anonlink", "service"], fontsize=8)
        size = f"{row['records']:,} {TIMES} {row['records']:,}"
        axes.set_title(f"{size}\n{case_format(row)}\nthreshold {row['threshold']}", fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
        axes.margins(y=0.1)
    panels[0][0].set_ylabel("seconds from POST to completed")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=7, frameon=False, fontsize=8)
    _save(figure, file)


def others(found: dict[str, Rows], file: Path) -> None:
    """Multiples for what isn't comparing all pairs."""
    fastest = found["blocks"][0]["isa"]
    bars = [
        (f"comparing blocks of {row['side']} {TIMES} {row['side']}", row["ratio"], BLUE)
        for row in found["blocks"]
        if row["isa"] == fastest
    ]
    bars += [
        (f"merging {row['runs']} runs, {row['pairs_read'] / 1e6:.1f}M pairs", row["ratio"], GREEN)
        for row in found["merge"]
    ]
    bars += [
        (f"solving {row['pairs'] / 1e6:.0f}M pairs, {row['parties']} parties", row["ratio"], ORANGE)
        for row in found["solve"]
    ]
    bars += [
        (
            f"reading {row['records'] / 1e6:.1f}M encodings in JSON (of json.load)",
            row["standard_seconds"] / row["seconds"],
            PURPLE,
        )
        for row in found["parse"]
    ]
    figure, axes = plt.subplots(figsize=(7, 0.32 * len(bars) + 0.9), layout="constrained")
    names, ratios, colours = zip(*reversed(bars), strict=True)
    drawn = axes.barh(names, ratios, color=colours, height=0.7)
    axes.bar_label(drawn, [times(ratio) for ratio in ratios], padding=3, fontsize=8)
    axes.axvline(1, color=GREY, linewidth=1.5)
    axes.set_xscale("log")
    axes.set_xlim(min(0.8, *ratios), max(ratios) * 1.6)
    _plain_ticks(axes.xaxis)
    axes.set_xlabel("times as fast as anonlink (line: as fast), one core")
    _save(figure, file)


def _plain_ticks(axis: Any) -> None:
    """1, 10, 0.1 and not powers of ten."""
    axis.set_major_locator(LogLocator(base=10, subs=(1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def _save(figure: Any, file: Path) -> None:
    figure.savefig(file, dpi=110)
    plt.close(figure)
