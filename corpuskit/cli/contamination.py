"""Command that says which evaluation items are in the training text: contamination."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import print_json, print_table, print_text, say, warn
from corpuskit.errors import InputError, MissingExtra

PANEL = "Artifacts"


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    options.adder(app, PANEL)(
        contamination,
        "corpuskit contamination out  # and writes out/contamination.html",
        "corpuskit contamination out --json | jq .matches",
    )


def contamination(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="A prepared corpus whose recipe names tasks.")],
    html: Annotated[
        str | None,
        typer.Option(
            "--html", metavar="FILE", help="Where the page goes. [dim]Default: contamination.html in the corpus.[/]"
        ),
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say which items of the recipe's tasks the training text of each variant holds, in which documents, how much."""
    from corpuskit.workflow.contamination import measure_corpus

    with session.engine(workers) as engine:
        found = measure_corpus(corpus, engine)
    page = _write_page(corpus, html, found.report)
    if json:
        print_json({"folder": found.folder, **found.report, "html": page})
        return
    print_contamination(found.report)
    if page:
        say(f"page: {page}")


def _write_page(corpus: str, html: str | None, report: Mapping[str, Any]) -> str | None:
    """Write the page; return its path, or None where none was asked for and none can be written."""
    from corpuskit import storage
    from corpuskit.workflow.contamination import PAGE, write_page

    if html == "":
        raise InputError("--html: expected the name of a file")
    target = html or storage.join(corpus, PAGE)
    try:
        write_page(target, f"{storage.base_name(corpus)}: evaluation items in the training text", report)
    except MissingExtra as error:
        if html:
            raise
        warn([f"no page: {error}"])
        return None
    return target


def print_contamination(report: Mapping[str, Any]) -> None:
    """Print the counts, and the items that documents have most of."""
    from corpuskit.report.tables import is_numeric, show
    from corpuskit.workflow.contamination import tables

    for table in tables(report):
        right = [column for column in range(len(table.columns)) if is_numeric(table, column)]
        print_text()
        print_text(f"{table.caption}:")
        print_table(list(table.columns), [tuple(map(show, row)) for row in table.rows], right=right)
        if table.note:
            print_text(table.note)
