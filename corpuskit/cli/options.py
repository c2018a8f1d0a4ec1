"""Options that several commands share, as annotated types."""

from typing import Annotated

import typer

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="IN...", help="Files, folders, globs or URLs of JSONL(.gz, .zst), Parquet, Arrow or text."),
]
RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe, in YAML.")]
Path = Annotated[str, typer.Argument(metavar="PATH", help="A folder that corpuskit made.")]
Out = Annotated[str, typer.Option("--out", "-o", help="Folder for what is made; run again to resume.")]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help="Override a recipe field, such as pretrain.budget_bytes=10MB."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", min=0, help="Worker processes; 0 works in this process. [default: one a core]"),
]
Runner = Annotated[
    str,
    typer.Option(help="`local`, or the name of a Beam runner: FlinkRunner, SparkRunner, DataflowRunner, …"),
]
RunnerOption = Annotated[
    list[str], typer.Option("--runner-option", metavar="--NAME=VALUE", help="A Beam pipeline option; may be repeated.")
]
Slice = Annotated[
    str | None,
    typer.Option(
        "--slice",
        metavar="K/N",
        help="Do the K-th of N parts of each phase: for job arrays on a shared folder. Exit code 75: not ready yet.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")]
TextField = Annotated[str, typer.Option("--text-field", help="Name of the text column or JSON field.")]
IdField = Annotated[str | None, typer.Option("--id-field", help="Name of the id column or JSON field.")]
