"""Commands for web text: extract, clean."""

from typing import TYPE_CHECKING, Annotated

import typer

from corpuskit.cli import options, session
from corpuskit.cli.data import PANEL, prepare, print_exported

if TYPE_CHECKING:
    from corpuskit.recipe import Recipe

VARIANT = "all"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    command = options.adder(app, PANEL)
    command(
        extract,
        "corpuskit extract CC-MAIN-*.warc.gz --out out --export pages.jsonl.zst",
        "corpuskit extract saved-pages/ --engine resiliparse",
    )
    command(
        clean,
        "corpuskit clean data/*.jsonl.zst --export clean.jsonl.zst",
        "corpuskit clean chinese/ --steps mojibake,invisible,whitespace,nfc --out out",
    )


Pages = Annotated[
    list[str],
    typer.Argument(metavar="IN...", help="Files, folders, globs or URLs of WARC, WET, HTML, tar archives of HTML."),
]
Export = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write the documents to this .jsonl(.gz, .zst) or .parquet.")
]


def extract(
    inputs: Pages,
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="warc or html: take its files alone. [dim]Default: by suffix.[/]"
        ),
    ] = "auto",
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="trafilatura (best text) or resiliparse (five times as fast).")
    ] = "trafilatura",
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="A page that takes longer goes to errors/.")
    ] = 10.0,
    out: options.Out = "out",
    export: Export = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Extract the main text of web pages: WARC, WET, HTML files, tar archives of them."""
    named = {"extract.engine": "--engine", "extract.time_limit": "--time-limit", "sources[0].format": "--format"}
    extraction = {"engine": engine, "time_limit": time_limit}
    recipe = session.recipe_for(inputs, named=named, format_=format_, max_error_rate=1.0, extract=extraction)
    _run(recipe, out, export, workers, json, pages=True)


def clean(
    inputs: options.Inputs,
    steps: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Cleaners, separated by commas, in order."),
    ] = "mojibake,invisible,nfc,boilerplate,whitespace,pii",
    out: options.Out = "out",
    export: Export = None,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Clean text: characters, lines, personal data; count what was done to each document."""
    names = options.listed(steps, "--steps", "cleaner")
    named = {f"clean[{index}]{field}": "--steps" for index in range(len(names)) for field in (".step", "")}
    recipe = session.recipe_for(inputs, text_field, id_field, named=named, clean=names)
    _run(recipe, out, export, workers, json)


def _run(recipe: "Recipe", out: str, export: str | None, workers: int | None, json: bool, pages: bool = False) -> None:
    from corpuskit.workflow.exporting import check_export

    if export:
        check_export(export)
    print_exported(prepare(recipe, out, workers, pages), VARIANT, export, json)
