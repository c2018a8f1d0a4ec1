"""One line of a benchmark, and how times and memory are taken."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPEATS = 3
BUDGET = 12.0
"""Seconds after which a measurement is not repeated."""
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The best of a few calls."""

    seconds: float
    """By the clock that was asked for."""
    memory: int
    """Largest resident memory of this process during the calls, in bytes; 0 where the system does not say."""
    result: Any = None
    """What the last call returned."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What corpuskit and its peer did in a second; larger is better."""

    task: str
    text: str
    rate: float
    unit: str = "MB/s"
    memory: int = 0
    peer: str = ""
    peer_rate: float | None = None
    peer_memory: int = 0
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the peer."""
        return self.rate / self.peer_rate if self.peer_rate else None


def best(
    function: Callable[[], Any],
    repeats: int = REPEATS,
    budget: float = BUDGET,
    clock: Callable[[], float] = time.process_time,
) -> Taken:
    """Call a function up to `repeats` times; return its shortest time and largest memory.

    The caller warms it up: compilation and imports are no part of a rate. The clock counts processor time by default,
    so that other programs on the machine slow nobody's figure down; `time.perf_counter` counts what a user waits.
    """
    gc.collect()
    reset_peak()
    times: list[float] = []
    result = None
    while len(times) < repeats and sum(times) < budget:
        result = None  # the last result does not count as memory of the next call
        started = clock()
        result = function()
        times.append(clock() - started)
    return Taken(seconds=min(times), memory=peak(), result=result)


def reset_peak() -> None:
    """Forget the largest resident memory so far (Linux)."""
    try:
        CLEAR.write_text("5")
    except OSError:
        return


def peak(status: Path = STATUS) -> int:
    """Return the largest resident memory since `reset_peak`, in bytes; 0 where the system does not say."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def megabytes(size: int, seconds: float) -> float:
    """Return MB/s."""
    return size / 1e6 / seconds


def table(rows: list[Row]) -> str:
    """Return rows as a Markdown table, notes below."""
    lines = [
        "| what | text | corpuskit | peer | its figure | ratio | memory | peer's memory |",
        "|---|---|--:|---|--:|--:|--:|--:|",
        *(_line(row) for row in rows),
    ]
    notes = dict.fromkeys(row.note for row in rows if row.note)
    return "\n".join([*lines, *(f"\n{note}" for note in notes)])


def _line(row: Row) -> str:
    peer = "" if row.peer_rate is None else f"{_number(row.peer_rate)} {row.unit}"
    ratio = "" if row.ratio is None else f"{_number(row.ratio)} x"
    cells = [row.task, row.text, f"**{_number(row.rate)} {row.unit}**", row.peer, peer, ratio]
    return f"| {' | '.join([*cells, _memory(row.memory), _memory(row.peer_memory)])} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _memory(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size else ""
