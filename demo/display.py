"""What the user sees: a line a step, a bar while one is under way, and the table at the end.

Without a terminal (a build server's log) there are no bars: a step that has stages of its own prints
a line for each instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.report import Quality

_NAME_WIDTH, _DETAIL_WIDTH = 18, 44


class Step:
    """One step under way; ``detail`` is what its line says once it is done."""

    def __init__(self, progress: Progress, task: TaskID, console: Console) -> None:
        self.detail = ""
        self.seconds = 0.0
        self._progress, self._task, self._console = progress, task, console
        self._stage = ""

    def advance(self, amount: int) -> None:
        self._progress.advance(self._task, amount)

    def show_stage(self, stage: str, share: float | None) -> None:
        """Which stage the step is in, and how much of it is done (0 to 1, None when nobody knows)."""
        if stage != self._stage and not self._console.is_terminal:
            self._console.print(f"    {stage}")
        self._stage = stage
        self._progress.update(self._task, description=stage, total=1 if share is not None else None)
        self._progress.update(self._task, completed=share or 0)


class Display:
    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def title(self, text: str, *lines: str) -> None:
        self._console.print(f"[bold]{text}[/bold]")
        for line in lines:
            self._console.print(f"[dim]{line}[/dim]", soft_wrap=True)
        self._console.print()

    @contextmanager
    def step(self, name: str, total: float | None = None) -> Iterator[Step]:
        """Time what is done inside, with a bar of ``total``; print its line if it ends well."""
        columns = (TextColumn("  {task.description:<34}"), BarColumn(36), TimeElapsedColumn())
        started = time.monotonic()
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            step = Step(progress, progress.add_task(name, total=total), self._console)
            yield step
        step.seconds = time.monotonic() - started
        self._console.print(
            f"  [cyan]{name:<{_NAME_WIDTH}}[/cyan]{step.detail:<{_DETAIL_WIDTH}}{step.seconds:8.2f} s"
        )

    def substeps(self, seconds_by_name: dict[str, float]) -> None:
        """What a step's time went to, as the service tells."""
        for name, seconds in seconds_by_name.items():
            self._console.print(f"    [dim]{name:<{_NAME_WIDTH + _DETAIL_WIDTH - 2}}{seconds:8.2f} s[/dim]")

    def quality(self, quality: Quality, threshold: float) -> None:
        title = f"[bold]Against the truth, at threshold {threshold:g}[/bold]"
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("precision", "recall", "F1", "true matches", "found", "right", "wrong", "missed"):
            table.add_column(heading, justify="right")
        counts = (quality.expected, quality.found, quality.correct, quality.wrong, quality.missed)
        shares = (quality.precision, quality.recall, quality.f1)
        table.add_row(*(f"[bold]{share:.4f}[/bold]" for share in shares), *(f"{count:,}" for count in counts))
        self._console.print(f"\n{title}", table, sep="\n")

    def closing(self, lines: Sequence[tuple[str, str]]) -> None:
        self._console.print()
        for name, text in lines:
            self._console.print(f"  [cyan]{name:<{_NAME_WIDTH}}[/cyan]{text}", soft_wrap=True)
