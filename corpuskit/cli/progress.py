"""What a run shows on stderr: a line for each finished step, and in a terminal a bar for the one at work."""

import time
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from corpuskit.cli.console import bytes_text, counted, messages, seconds_text

if TYPE_CHECKING:
    from corpuskit.manifest import Manifest, Marker
    from pipelines.engine import Item, Phase, Step

RUNS = ("comparison", "training")
"""Steps whose items are training runs: minutes or hours each."""
MOST_GROUPS = 2
"""Groups of signals, measured in one pass, that its line names."""
LABEL_AND_COUNT = 52
SIZE = 12
TIME = 13
DAY = 86_400.0
"""Seconds over which the rate is averaged, so that items of hours get an estimate too."""


def label_of(step: "Step") -> str:
    """Return what a person calls a step: `documents`, `variant raw`, `signals gopher, length`."""
    if step.kind == "pass":
        groups = step.identity.inputs
        return f"signals {', '.join(groups)}" if len(groups) <= MOST_GROUPS else f"signals, {len(groups)} groups"
    if step.kind == "documents" and step.name != "documents":
        return f"revision {step.name}"
    return step.kind if step.name in (step.kind, "tokenize") else f"{step.kind} {step.name}"


def facts(kind: str, made: "Manifest") -> tuple[str, str]:
    """Return (how many, how much) of what a step made, as text."""
    counts = made.counts
    rows = counted(made.rows, "row") + (f", {made.errors:,} malformed" if made.errors else "")
    match kind:
        case "duplicates":
            return f"{counted(made.extra['members'], 'row')} in {counted(made.extra['clusters'], 'cluster')}", ""
        case "documents" if "changed" in counts:
            failed = f", {made.errors:,} not cleaned" if made.errors else ""
            return f"{counts['changed']:,.0f} of {made.rows:,} changed{failed}", bytes_text(counts["text_bytes"])
        case "variant":
            return f"{counts['kept']:,.0f} of {made.rows:,} kept", bytes_text(counts["kept_bytes"])
        case "counts":
            return f"{counts['words']:,.0f} unique words", bytes_text(counts["text_bytes"])
        case "tokenizer":
            return f"{counts['vocab_size']:,.0f} ids", bytes_text(counts["text_bytes"])
        case "shards":
            return f"{rows}, {counts['tokens']:,.0f} tokens", bytes_text(counts["bytes"])
        case "comparison" | "training":
            return f"{counted(made.rows, 'run')}, {counts['tokens']:,.0f} tokens", bytes_text(counts["bytes"])
        case _:
            return rows, bytes_text(counts["text_bytes"]) if "text_bytes" in counts else ""


def line(mark: str, label: str, count: str, size: str, ending: str) -> str:
    """Return one line of the list of steps, in 79 columns where names are not long."""
    return f"{mark} {escape(label)}{count:>{max(LABEL_AND_COUNT - len(label), len(count) + 2)}}{size:>{SIZE}}{ending}"


class Lines:
    """Reports each finished step, and each finished run of a grid, in a line; implements the engine's `Progress`."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._done = self._total = 0

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def phase_started(
        self, step: "Step", phase: "Phase", items_total: int, items_done: int, bytes_total: int, bytes_done: int
    ) -> None:
        """Note when a step begins."""
        if phase is step.phases[0]:
            self._started = time.monotonic()
        self._done, self._total = items_done, items_total

    def item_finished(self, step: "Step", phase: "Phase", item: "Item", marker: "Marker") -> None:
        """Print a line for a finished run."""
        self._done += 1
        if step.kind in RUNS:
            spent = seconds_text(time.monotonic() - self._started)
            label = f"{label_of(step)}: {item.name}"
            messages.print(line("[dim]·[/]", label, f"{self._done}/{self._total}", "", f"[dim]{spent:>{TIME}}[/]"))

    def phase_finished(self, step: "Step", phase: "Phase") -> None:
        """Say nothing: the step's line follows."""

    def step_finished(self, step: "Step", made: "Manifest", skipped: bool) -> None:
        """Print a line with what the step made, and how long that took."""
        spent = "up to date" if skipped else seconds_text(time.monotonic() - self._started)
        mark = "[dim]✓[/]" if skipped else "[green]✓[/]"
        messages.print(line(mark, label_of(step), *facts(step.kind, made), f"[dim]{spent:>{TIME}}[/]"), soft_wrap=True)

    def worker_died(self, step: "Step", phase: "Phase", item: "Item", reason: str) -> None:
        """Say that a worker died; its item is tried again."""
        place = escape(f"{label_of(step)}, {phase.name} {item.name}")
        messages.print(f"[yellow]a worker died[/] ({reason}) at {place}; trying again", soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a line."""
        messages.print(f"[dim]{escape(text)}[/]", soft_wrap=True)


class Bars(Lines):
    """Adds a bar for the phase at work: items, rate, time spent and time left. For terminals."""

    def __init__(self) -> None:
        super().__init__()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(width=26, no_wrap=True)),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[done]}", table_column=Column(min_width=6, no_wrap=True)),
            TextColumn("{task.fields[rate]}", table_column=Column(min_width=9, justify="right")),
            TimeElapsedColumn(),
            TextColumn("[dim]left[/]"),
            TimeRemainingColumn(),
            console=messages,
            transient=True,
            speed_estimate_period=DAY,
        )
        self._bar: TaskID | None = None
        self._phase_started = 0.0
        self._bytes = 0

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def phase_started(
        self, step: "Step", phase: "Phase", items_total: int, items_done: int, bytes_total: int, bytes_done: int
    ) -> None:
        """Begin a bar; one of a single item only moves to and fro."""
        super().phase_started(step, phase, items_total, items_done, bytes_total, bytes_done)
        self._phase_started, self._bytes = time.monotonic(), 0
        label = label_of(step) if len(step.phases) == 1 else f"{label_of(step)}: {phase.name}"
        total = items_total if items_total > 1 else None
        self._bar = self._bars.add_task(label, total=total, completed=items_done, rate="", done=self._count(step))

    def _count(self, step: "Step") -> str:
        unit = " runs" if step.kind in RUNS else ""
        return f"{self._done}/{self._total}{unit}" if self._total > 1 else ""

    def item_finished(self, step: "Step", phase: "Phase", item: "Item", marker: "Marker") -> None:
        """Advance the bar."""
        self._done += 1
        if self._bar is None:
            return
        self._bytes += item.size
        seconds = max(time.monotonic() - self._phase_started, 1e-3)
        rate = f"{bytes_text(self._bytes / seconds)}/s" if item.size and step.kind not in RUNS else ""
        self._bars.update(self._bar, advance=1, rate=rate, done=self._count(step))

    def phase_finished(self, step: "Step", phase: "Phase") -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None
