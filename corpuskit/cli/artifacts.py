"""Commands that look at, check and tidy what was made: inspect, verify, status, gc."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from corpuskit.cli import options
from corpuskit.cli.console import bytes_text, messages, print_json, print_table
from corpuskit.workflow import artifacts


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (inspect, verify, status, gc):
        app.command(rich_help_panel="Artifacts")(command)


def inspect(path: options.Path, json: options.Json = False) -> None:
    """Say what an artifact or data file is: kind, rows, schema, counts, fingerprint, first rows."""
    described = artifacts.inspect(path)
    if json:
        print_json(described)
        return
    rows = described.pop("first_rows", [])
    schema = described.pop("schema", {})
    described.pop("made_by", None)
    print_table("", ["", ""], [(name, _cell(value)) for name, value in described.items()])
    if schema:
        print_table("\nschema", ["column", "type"], schema.items())
    if rows:
        print_table("\nfirst rows", list(rows[0]), [row.values() for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_cell(item)}" for name, item in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def verify(path: options.Path, json: options.Json = False) -> None:
    """Compare every file below a folder with the checksums in its manifest."""
    checked = dict(artifacts.verify(path))
    if json:
        print_json(checked)
        return
    print_table("", ["files", "artifact"], [(count, folder) for folder, count in checked.items()], right=[0])
    messages.print(f"[green]{sum(checked.values()):,} files match their checksums[/]")


def status(path: options.Path, json: options.Json = False) -> None:
    """Say which artifacts below a folder are done, running, stopped or dead."""
    lines = artifacts.status(path)
    if json:
        print_json([asdict(line) for line in lines])
        return
    rows = [(line.state, line.kind, line.folder, f"{line.rows:,}" if line.rows else line.items or "") for line in lines]
    print_table("", ["state", "kind", "folder", "rows or items"], rows, right=[3])


def gc(
    path: options.Path,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    json: options.Json = False,
) -> None:
    """Remove what no manifest of a prepared corpus names: artifacts of earlier recipes, files of killed writers."""
    found = [str(folder) for folder in artifacts.garbage(path)]
    freed = 0 if dry_run else artifacts.collect(path)
    if json:
        print_json({"removed": [] if dry_run else found, "garbage": found, "bytes": freed})
        return
    for folder in found:
        messages.print(f"{'would remove' if dry_run else 'removed'} {folder}")
    messages.print(f"{len(found)} items, {bytes_text(freed)} freed")
