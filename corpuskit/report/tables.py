"""Tables as plain text for terminals and as Markdown."""

from typing import Literal

from corpuskit.report.data import Cell, Interval, Table

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


def show(cell: Cell) -> str:
    """Return a cell as text: `1,234`, `0.25`, `71.3 [69.9, 72.7]`, an en dash for None."""
    if cell is None:
        return DASH
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Interval):
        bounds = show_bounds(cell)
        return f"{show_value(cell)} {bounds}" if bounds else show_value(cell)
    return (f"{cell:,}" if isinstance(cell, int) else f"{cell:,.4g}").replace("-", MINUS)


def show_value(interval: Interval) -> str:
    """Return an interval's value alone."""
    return _number(interval.value, interval.digits)


def show_bounds(interval: Interval) -> str:
    """Return an interval's bounds as `[low, high]`, empty where there are none."""
    if interval.low is None or interval.high is None:
        return ""
    return f"[{_number(interval.low, interval.digits)}, {_number(interval.high, interval.digits)}]"


def _number(value: float, digits: int) -> str:
    return f"{value:z,.{digits}f}".replace("-", MINUS)


def is_numeric(table: Table, column: int) -> bool:
    """Whether a column holds numbers (or nothing) only, and is therefore aligned right."""
    cells = [row[column] for row in table.rows]
    return any(cell is not None for cell in cells) and not any(isinstance(cell, str) for cell in cells)


def render_table(table: Table, style: Literal["plain", "markdown"] = "plain") -> str:
    """Return a table as text, without a newline at its end.

    Args:
        table: the table.
        style: `plain` for terminals, with the caption as a line above and the note below; `markdown` the same in
            GitHub's flavour, `|` in cells escaped.
    """
    cells = [[show(cell) for cell in row] for row in table.rows]
    right = [is_numeric(table, column) for column in range(len(table.columns))]
    return _markdown(table, cells, right) if style == "markdown" else _plain(table, cells, right)


def _plain(table: Table, cells: list[list[str]], right: list[bool]) -> str:
    widths = [max(map(len, column)) for column in zip(table.columns, *cells, strict=True)]
    rule = "  ".join("\N{BOX DRAWINGS LIGHT HORIZONTAL}" * width for width in widths)
    lines = [table.caption, _align(list(table.columns), widths, right), rule]
    lines += [_align(row, widths, right) for row in cells]
    return "\n".join([*lines, *([table.note] if table.note else [])])


def _align(row: list[str], widths: list[int], right: list[bool]) -> str:
    pairs = zip(row, widths, right, strict=True)
    return "  ".join(text.rjust(width) if to_right else text.ljust(width) for text, width, to_right in pairs).rstrip()


def _markdown(table: Table, cells: list[list[str]], right: list[bool]) -> str:
    rows = [list(table.columns), ["--:" if to_right else ":--" for to_right in right], *cells]
    lines = [f"**{table.caption}**", ""]
    lines += ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])
