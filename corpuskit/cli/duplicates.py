"""Command that finds duplicates: dedup."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.data import PANEL, prepare, print_exported
from corpuskit.errors import RecipeError

VARIANT = "unique"
AUTO = "auto"
NAMED = {
    **{f"dedup.{name}": f"--{name}" for name in ("threshold", "verify", "unit", "ngram", "bands", "rows")},
    "dedup.against": "--against",
    "dedup: ": "",
    "variants.unique.keep": "--keep",
}
"""Places in the recipe, and the options that they come from."""


Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="Jaccard similarity of shingles from which on texts are duplicates. [dim]Default: 0.7.[/]"
    ),
]
Verify = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="How texts that share a band are compared: by signature, exact (by shingles), or none: not at all. "
        "[dim]Default: signature.[/]",
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What shingles are made of: words or characters. [dim]Default: words.[/]"),
]
Ngram = Annotated[int | None, typer.Option(metavar="N", help="Units in a shingle. [dim]Default: 5.[/]")]
Bands = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Bands of MinHash, or auto: the best for the threshold. [dim]Default: 14; auto with a --threshold.[/]",
    ),
]
Rows = Annotated[
    str | None, typer.Option(metavar="N", help="Permutations in a band, or auto. [dim]Default: 8; as --bands.[/]")
]
ExactOnly = Annotated[
    bool, typer.Option("--exact-only", metavar="", help="Find texts that are equal byte for byte alone.")
]
Against = Annotated[
    list[str],
    typer.Option(
        metavar="NAME=DIR",
        help="Also drop duplicates of this prepared corpus, such as an earlier crawl. May be repeated.",
    ),
]
Keep = Annotated[
    str,
    typer.Option(
        metavar="RULE",
        help="Which copy stays: longest, newest, source_order, or best:SIGNAL, such as best:length.words.",
    ),
]
Export = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write the kept documents to this .jsonl(.gz, .zst) or .parquet.")
]


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    options.adder(app, PANEL)(
        dedup,
        "corpuskit dedup data/*.jsonl.zst --export unique.jsonl.zst",
        "corpuskit dedup pages.parquet --text-field content --threshold 0.8 --verify exact",
        "corpuskit dedup may/ --out may-out --against april=april-out --memory 16GB",
    )


def dedup(
    inputs: options.Inputs,
    out: options.Out = "out",
    threshold: Threshold = None,
    verify: Verify = None,
    unit: Unit = None,
    ngram: Ngram = None,
    bands: Bands = None,
    rows: Rows = None,
    exact_only: ExactOnly = False,
    against: Against = [],  # noqa: B006  Typer copies it
    keep: Keep = "longest",
    export: Export = None,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find exact and near duplicates, and keep one document of each cluster (variant `unique`)."""
    from corpuskit.workflow.exporting import check_export

    if export:
        check_export(export)
    given = {"threshold": threshold, "verify": verify, "unit": unit, "ngram": ngram, "bands": bands, "rows": rows}
    parts: dict[str, Any] = {
        "dedup": _fields(given, exact_only, against),
        "variants": {VARIANT: {"deduplicate": True, "keep": keep}},
    }
    recipe = session.recipe_for(inputs, text_field, id_field, named=NAMED, **parts)
    print_exported(prepare(recipe, out, workers, memory=memory), VARIANT, export, json, reasons=True)


def _fields(given: Mapping[str, Any], exact_only: bool, against: Sequence[str]) -> dict[str, Any]:
    """Return the recipe's `dedup`.

    Args:
        given: its fields by name, as options gave them; None where there was none.
        exact_only: whether near duplicates are not looked for.
        against: other corpora, each as NAME=DIR.

    Raises:
        RecipeError: options contradict each other.
    """
    asked = {name: _number(value) for name, value in given.items() if value is not None}
    if exact_only and asked:
        raise RecipeError("--exact-only", f"compares no shingles; leave out {', '.join(f'--{name}' for name in asked)}")
    return {**asked, **_banding(asked), "minhash": not exact_only, "against": _references(against)}


def _number(value: Any) -> Any:
    """Return text of digits as a number: bands and rows are either that or a word."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _banding(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return bands and rows where they follow from other options: the default ones find little below 0.7."""
    shape = {asked[name] for name in ("bands", "rows") if name in asked}
    automatic = shape == {AUTO} or ("threshold" in asked and not shape)
    return {"bands": AUTO, "rows": AUTO} if automatic else {}


def _references(against: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in against:
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            raise RecipeError("--against", f"{text!r}: expected NAME=DIR, such as april=april-out")
        if name in found:
            raise RecipeError("--against", f"the name {name!r} is given twice")
        found[name] = folder
    return found
