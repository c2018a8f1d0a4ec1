"""Commands that look at, check and tidy what was made: inspect, verify, status, gc."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text

from corpuskit.cli import options
from corpuskit.cli.console import busy, bytes_text, counted, print_json, print_table, print_text, say, warn, width
from corpuskit.errors import InputError, MissingExtra

PANEL = "Artifacts"
MOST_LISTED = 4
"""Named values that a line lists; `--json` has all."""
PREVIEWED = 3
"""Rows that a schema shows."""
SHARED = "(shared)"
"""What has no name: the text that variants without cleaners of their own share."""
GAP = 2
NARROWEST = 8
HIDDEN = ("made_by", "schema", "first_rows")
"""What tables show apart, or only the JSON has."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    command = options.adder(app, PANEL)
    command(
        inspect,
        "corpuskit inspect out  # and writes out/corpus.html",
        "corpuskit inspect out --html page.html",
        "corpuskit inspect out/signals/gopher-1a2b3c4d --json",
    )
    command(verify, "corpuskit verify out")
    command(status, "corpuskit status out")
    command(gc, "corpuskit gc out --dry-run")


def inspect(
    path: Annotated[str, typer.Argument(metavar="PATH", help="An artifact's folder, or a .parquet or .arrow file.")],
    html: Annotated[
        str | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Where the page of a corpus goes. [dim]Default: corpus.html in its folder.[/]",
        ),
    ] = None,
    no_html: Annotated[bool, typer.Option("--no-html", metavar="", help="Write no page.")] = False,
    json: options.Json = False,
) -> None:
    """Say what an artifact or data file is: kind, rows, schema, counts, fingerprint, first rows.

    For a prepared corpus, also write a page: what each rule removes, with samples; histograms of signals with the
    thresholds; what other thresholds would keep; documents by language and source.
    """
    from corpuskit.workflow import artifacts

    if html is not None and no_html:
        raise InputError("--html and --no-html: expected one of the two")
    described = artifacts.inspect(path)
    if html is not None and described["kind"] != "corpus":
        raise InputError(f"--html: {path} is of kind {described['kind']!r}; only a prepared corpus has a page")
    page = _write_page(path, html) if described["kind"] == "corpus" and not no_html else None
    if json:
        print_json({**described, "html": page} if page else described)
        return
    _print_described(described)
    if page:
        say(f"page: {page}")


def _write_page(path: str, html: str | None) -> str | None:
    """Write the page of a corpus; return its path, or None where none was asked for and none can be written."""
    from corpuskit import storage
    from corpuskit.corpus import Corpus
    from corpuskit.workflow.inspecting import PAGE, write_page

    if html == "":
        raise InputError("--html: expected the name of a file")
    target = html or storage.join(path, PAGE)
    try:
        with busy("reading") as shown:
            write_page(Corpus(path), target, shown.update if shown else lambda _: None)
    except (MissingExtra, InputError) as error:
        if html:
            raise InputError(f"--html: {error}") from None
        warn([f"no page: {error}"])
        return None
    return target


def _print_described(described: Mapping[str, Any]) -> None:
    facts = [
        (name, _cell(value)) for name, value in described.items() if name not in HIDDEN and value not in ({}, "", 0)
    ]
    print_table(["", ""], facts)
    if described.get("schema"):
        print_text()
        _print_schema(described["schema"], described["first_rows"])


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{name or SHARED}: {_inline(item)}" for name, item in value.items())
    return _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        listed = [f"{name} {_inline(item)}" for name, item in value.items()]
        return ", ".join(listed) if len(listed) <= MOST_LISTED else f"{len(listed)}, such as {listed[0]}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _print_schema(schema: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each column: its type and its first values, cut to fit."""
    shown = rows[:PREVIEWED]
    columns = ["column", "type", *(f"row {number}" for number in range(1, len(shown) + 1))]
    taken = sum(max(map(len, texts)) + GAP for texts in (["column", *schema], ["type", *schema.values()]))
    room = max((width() - taken) // max(len(shown), 1) - GAP, NARROWEST)
    lines = [(name, kind, *(_short(row[name], room) for row in shown)) for name, kind in schema.items()]
    print_table(columns, lines)


def _short(value: Any, room: int) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = Text("".join(sign if sign.isprintable() else " " for sign in str(value)) if value is not None else "–")
    text.truncate(room, overflow="ellipsis")
    return text.plain


def verify(path: options.Path, json: options.Json = False) -> None:
    """Compare every file below a folder with the checksums in its manifest."""
    from corpuskit.workflow import artifacts

    with busy("reading"):
        checked = dict(artifacts.verify(path))
    if json:
        print_json(checked)
        return
    print_table(["files", "artifact"], [(count, folder) for folder, count in checked.items() if count], right=[0])
    total = sum(checked.values())
    say(f"{counted(total, 'file')} in {counted(len(checked), 'artifact')} {'match' if total != 1 else 'matches'}")


def status(path: options.Path, json: options.Json = False) -> None:
    """Say which artifacts below a folder are done, running, stopped or dead."""
    from corpuskit.workflow import artifacts

    lines = artifacts.status(path)
    if json:
        print_json([asdict(line) for line in lines])
        return
    rows = [(line.state, line.kind, line.folder, _progress(line.rows, line.items)) for line in lines]
    print_table(["state", "kind", "folder", ""], rows, right=[3])
    unfinished = sum(line.state != "done" for line in lines)
    say(f"{counted(len(lines), 'artifact')}, {unfinished} unfinished")


def _progress(rows: int, items: int) -> str:
    return counted(rows, "row") if rows else f"{counted(items, 'item')} done" if items else ""


def gc(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A prepared corpus.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", metavar="", help="Only list what would be removed.")] = False,
    json: options.Json = False,
) -> None:
    """Remove what a prepared corpus no longer names: artifacts of earlier recipes, remains of killed runs.

    Refused while a process is working on the corpus.
    """
    from corpuskit.workflow import artifacts

    found = artifacts.garbage(path)
    sizes = {str(item): artifacts.size_of(item) for item in found}
    freed = sum(sizes.values()) if dry_run else artifacts.collect(path)
    if json:
        print_json({"removed": [] if dry_run else list(sizes), "garbage": list(sizes), "bytes": freed})
        return
    rows = [("would remove" if dry_run else "removed", bytes_text(size), item) for item, size in sizes.items()]
    if rows:
        print_table(["", "", ""], rows, right=[1])
    say(f"{counted(len(found), 'item')}, {bytes_text(freed)} {'to free' if dry_run else 'freed'}")
