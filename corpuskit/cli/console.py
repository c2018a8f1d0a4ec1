"""What a person sees: results on stdout; messages and errors on stderr."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

messages = Console(stderr=True, highlight=False)
"""Progress and remarks, which `--quiet` turns off."""
errors = Console(stderr=True, highlight=False, soft_wrap=True)
"""What went wrong; never turned off, never wrapped."""
results = Console(highlight=False, soft_wrap=True)
"""What was asked for."""
WIDE = 100
"""Columns that results are made for where there is no terminal to ask."""
UNBOUNDED = 10_000
"""Columns of a table that goes to a file or another program: nothing is folded there."""


def set_quiet(value: bool) -> bool:
    """Turn messages off or on: the callback of `--quiet`."""
    messages.quiet = value
    return value


def fail(text: str, label: str = "[red]error:[/]") -> None:
    """Print an error, or what else ends a command early."""
    errors.print(label, end=" ")
    errors.print(text, markup=False)


def warn(notes: Iterable[str]) -> None:
    """Print warnings."""
    for note in notes:
        messages.print("[yellow]warning:[/] ", end="", soft_wrap=True)
        messages.print(note, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a remark, whatever characters its paths and names hold."""
    messages.print(text, markup=False, soft_wrap=True)


def busy(text: str) -> AbstractContextManager[Any]:
    """Show a spinner while a block runs, in a terminal."""
    shown = messages.is_terminal and not messages.quiet
    return messages.status(text) if shown else nullcontext()


def print_json(value: Any) -> None:
    """Print a result for machines, on stdout."""
    results.out(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode(), highlight=False)


def print_text(text: str = "") -> None:
    """Print a line of a result as it is."""
    results.print(text, markup=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[int] = ()) -> None:
    """Print a table; in a terminal, cells that are too long go on in the next line.

    Args:
        columns: headings; all empty: no line of headings.
        rows: cells, as text.
        right: indexes of the columns that hold numbers.
    """
    table = Table(show_header=any(columns), header_style="bold", box=None, pad_edge=False)
    numbers = set(right)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = results if results.is_terminal else Console(file=results.file, width=UNBOUNDED, color_system=None)
    console.print(table, soft_wrap=False, crop=False)


def width() -> int:
    """Return the columns of the terminal, or `WIDE` where there is none."""
    return results.width if results.is_terminal else WIDE


def bytes_text(count: float) -> str:
    """Return a size as a person reads it, such as `31.9 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.95:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def seconds_text(seconds: float) -> str:
    """Return a duration as a person reads it: `4.1 s`, `2 min 05 s`, `3 h 12 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(count: float, one: str) -> str:
    """Return a number with its noun: `1 file`, `2,000 files`."""
    return f"{count:,.0f} {one}" if count == 1 else f"{count:,.0f} {one}s"
