"""Options that several commands share, as annotated types."""

from collections.abc import Callable
from typing import Annotated

import typer

from corpuskit.cli.console import set_quiet
from corpuskit.errors import RecipeError

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="IN...", help="Files, folders, globs or URLs of JSONL(.gz, .zst), Parquet, Arrow, text, WARC or HTML."
    ),
]
RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe, in YAML.")]
Path = Annotated[str, typer.Argument(metavar="PATH", help="A folder that corpuskit made, or one that holds such.")]
Out = Annotated[
    str, typer.Option("--out", "-o", metavar="DIR", help="Folder for what is made; run again to go on where it was.")
]
Set = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Override a recipe field: pretrain.budget_bytes=10MB. May be repeated."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-w",
        metavar="N",
        min=0,
        help="Worker processes; 0 works in this process alone. [dim]Default: one per core.[/]",
    ),
]
Runner = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Where phases run: this machine, or a Beam runner (flink, spark, dataflow, FnApiRunner)."
    ),
]
RunnerOption = Annotated[
    list[str],
    typer.Option(
        "--runner-option", metavar="OPTION", help="A Beam pipeline option, as --flink_master=…; may be repeated."
    ),
]
Slice = Annotated[
    str | None,
    typer.Option(
        "--slice",
        metavar="K/N",
        help="Do the K-th of N shares of each phase: for job arrays on a shared folder. Ends with exit code 75 where "
        "other shares must finish first.",
    ),
]


def size(given: str | int) -> int:
    """Return a size as recipes have it, `4GB` or a number of bytes; what options with the metavar SIZE take.

    Raises:
        typer.BadParameter: it is no size.
    """
    from corpuskit.config import parse_bytes

    try:
        return int(parse_bytes(given))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Memory = Annotated[
    int | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        parser=size,
        help="What all processes may take together; of Beam runners, each worker. Changes how often the search for "
        "duplicates goes to disk, and no result. [dim]Default: 4GB, and more with over 9 workers.[/]",
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print the result as JSON, for machines.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", metavar="", help="Print the result and errors only.", callback=set_quiet, is_eager=True
    ),
]
TextField = Annotated[str, typer.Option("--text-field", metavar="NAME", help="Name of the text column or JSON field.")]
IdField = Annotated[
    str | None,
    typer.Option("--id-field", metavar="NAME", help="Name of the id column or JSON field. [dim]Default: id.[/]"),
]


def share(given: str | float) -> float:
    """Return a share as recipes have it, `0.2` or `20%`; what options with the metavar SHARE take.

    Raises:
        typer.BadParameter: it is no number from 0 to 1.
    """
    from corpuskit.config import parse_share

    try:
        value = float(parse_share(given))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not 0 <= value <= 1:
        raise typer.BadParameter(f"expected a share from 0 to 1, or from 0% to 100%, given {given}")
    return value


ErrorRate = Annotated[
    float,
    typer.Option(
        "--max-error-rate",
        metavar="SHARE",
        parser=share,
        help="Share of malformed records above which the command fails.",
    ),
]


def examples(*commands: str) -> str:
    """Return what `--help` ends with: commands to copy."""
    return "\n".join(["[bold]Examples[/]", *(f"  {command.replace('[', chr(92) + '[')}" for command in commands)])


def adder(app: typer.Typer, panel: str | None) -> Callable[..., None]:
    """Return a function that adds a command to an app, with examples at the end of its help."""

    def add(command: Callable[..., None], *lines: str) -> None:
        app.command(rich_help_panel=panel, epilog=examples(*lines))(command)

    return add


def listed(given: str, option: str, what: str) -> list[str]:
    """Return the names in an option that takes several, separated by commas.

    Raises:
        RecipeError: there is none.
    """
    names = [name.strip() for name in given.split(",") if name.strip()]
    if not names:
        raise RecipeError(option, f"expected at least one {what}")
    return names
