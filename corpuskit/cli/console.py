"""What a person sees: messages, tables and progress on stderr, results on stdout."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from corpuskit.manifest import Marker
    from pipelines.engine import Item, Phase, Step

messages = Console(stderr=True, highlight=False)
results = Console(highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a result for machines, on stdout."""
    results.out(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode(), highlight=False)


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[int] = ()
) -> None:
    """Print a table; columns whose index is in `right` hold numbers."""
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    numbers = set(right)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    results.print(table)


def bytes_text(count: float) -> str:
    """Return a size as a person reads it, such as `31.9 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


class Bars:
    """Shows each phase of each step as a bar with rate and remaining time; implements the engine's `Progress`."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>12}"),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            console=messages,
            transient=True,
        )
        self._task: TaskID | None = None
        self._started = 0.0
        self._bytes = 0

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def phase_started(
        self, step: "Step", phase: "Phase", items_total: int, items_done: int, bytes_total: int, bytes_done: int
    ) -> None:
        """Begin a bar."""
        self._started, self._bytes = time.monotonic(), 0
        label = f"{step.name}: {phase.name}" if step.kind != "variant" else f"variant {step.name}: {phase.name}"
        self._task = self._bars.add_task(label, total=items_total, completed=items_done, rate="")

    def item_finished(self, step: "Step", phase: "Phase", item: "Item", marker: "Marker") -> None:
        """Advance the bar."""
        if self._task is None:
            return
        self._bytes += item.size
        seconds = max(time.monotonic() - self._started, 1e-3)
        rate = f"{bytes_text(self._bytes / seconds)}/s" if item.size else ""
        self._bars.update(self._task, advance=1, rate=rate)

    def phase_finished(self, step: "Step", phase: "Phase") -> None:
        """Replace the bar by a line once the step's last phase is done."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        if phase.name == step.phases[-1].name:
            seconds = time.monotonic() - self._started
            messages.print(f"[green]✓[/] {step.kind} [bold]{step.name}[/] [dim]{seconds:.1f} s[/]")

    def worker_died(self, step: "Step", phase: "Phase", item: "Item", reason: str) -> None:
        """Say that a worker died; its item is tried again."""
        messages.print(f"[yellow]a worker died[/] ({reason}) at {step.name}/{phase.name}/{item.name}; trying again")

    def note(self, text: str) -> None:
        """Print a line."""
        messages.print(f"[dim]{text}[/]")
