"""Commands for quality classifiers: classifier train, classifier show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import counted, messages, print_json, print_table, print_text, say

PANEL = "Classifiers"
PERCENT = "interval of 95 %, over documents"
Files = Annotated[
    list[str],
    typer.Option(metavar="IN", help="Files, a folder, a glob, a URL or a prepared corpus. May be repeated."),
]
COUNTS = (
    *("read", "held_out_by_corpus", "empty", "duplicates", "sampled_out", "in_both", "documents"),
    *("train", "calibrate", "evaluate"),
)
"""What is shown of a class: what became of its documents, in this order, then its texts on each side."""
Words = Annotated[int, typer.Option(metavar="N", min=0, help="Words of each class to show, 100 at most.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Train a classifier of texts on two sets of files, or look at one.", no_args_is_help=True)
    command = options.adder(group, None)
    command(
        train,
        "corpuskit classifier train --positive reviews/ --negative crawl/ --cut-words 250 --out film",
        "corpuskit classifier show film",
        "corpuskit run recipe.yaml  # classifiers: {film: film} gives the signal classifier.film",
    )
    command(show, "corpuskit classifier show film", "corpuskit classifier show film --words 50 --json")
    app.add_typer(group, name="classifier", rich_help_panel=PANEL)


def train(
    positive: Files,
    negative: Files,
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Folder for the classifier.")],
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the order of texts and of what is held out.")] = 0,
    buckets: Annotated[
        int, typer.Option(metavar="N", help="Buckets that words and pairs are hashed into: a power of two.")
    ] = 2**20,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over the texts; the best one is kept.")] = 5,
    heldout: Annotated[
        float,
        typer.Option(
            metavar="SHARE", parser=options.share, help="Share of documents held out to calibrate and measure."
        ),
    ] = 0.2,
    max_documents: Annotated[
        int, typer.Option(metavar="N", help="Documents of each class at most, a sample by hash.")
    ] = 200_000,
    max_words: Annotated[
        int | None, typer.Option(metavar="N", help="Words of a document that count. [dim]Default: all.[/]")
    ] = None,
    cut_words: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Cut documents into equal pieces of about N words, so that both classes have texts of like lengths. "
            "[dim]Default: whole.[/]",
        ),
    ] = None,
    max_error_rate: options.ErrorRate = 0.01,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a classifier that says how much a text is like the positive rather than the negative files.

    Documents that are equal count once, and those of both classes not at all. The probability is calibrated, and
    measured on documents that were never used.
    """
    from corpuskit.workflow.classifying import describe, train_classifier, training_config

    fields = {"seed": seed, "buckets": buckets, "epochs": epochs, "heldout": heldout, "max_documents": max_documents}
    config = training_config({**fields, "max_words": max_words, "cut_words": cut_words})
    sources = [
        session.recipe_for(inputs, text_field, id_field).sources[0].model_copy(update={"name": name})
        for name, inputs in (("positive", positive), ("negative", negative))
    ]
    with _progress() as report:
        train_classifier(sources[0], sources[1], config, out, report, max_error_rate)
    _print(describe(out, 10), json)
    say(f"classifier: {out}")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Give a function that shows how far the work is: a bar in a terminal, else a line for each stage."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    seen: dict[str, Any] = {}
    plain = messages.quiet or not messages.is_terminal
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    bars = Progress(*columns, console=messages, transient=True, disable=plain)

    def report(stage: str, share: float) -> None:
        if stage not in seen:
            seen[stage] = bars.add_task(stage, total=1.0)
            if plain:
                say(stage)
        bars.update(seen[stage], completed=share)

    with bars:
        yield report


def show(
    path: Annotated[str, typer.Argument(metavar="CLASSIFIER", help="A classifier's folder.")],
    words: Words = 20,
    json: options.Json = False,
) -> None:
    """Say how a classifier was trained, how good it is, and which words speak most for and against."""
    from corpuskit.workflow.classifying import describe

    _print(describe(path, words), json)


def _print(described: dict[str, Any], json: bool) -> None:
    if json:
        print_json(described)
        return
    print_table(["", "positive", "negative"], _counts(described["counts"]), right=[1, 2])
    print_text()
    print_table(["", ""], _measured(described["metrics"]))
    print_text()
    _print_confusion(described["metrics"])
    pairs = list(zip(*(_padded(described, name) for name in ("for_positive", "for_negative")), strict=True))
    if pairs:
        print_text()
        headings = ["speaks for positive", "weight", "documents", "for negative", "weight", "documents"]
        print_table(headings, [(*left, *right) for left, right in pairs], right=[1, 2, 4, 5])


def _counts(counts: dict[str, float]) -> list[tuple[str, str, str]]:
    """Return a line for each count that either class has, in the order in which documents are left out."""
    rows = [(name, counts.get(f"positive.{name}", 0), counts.get(f"negative.{name}", 0)) for name in COUNTS]
    return [(name.replace("_", " "), f"{left:,.0f}", f"{right:,.0f}") for name, left, right in rows if left or right]


def _measured(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the figures on the texts to measure on, with what they mean."""
    auc, low, high = (_share(metrics[name]) for name in ("auc", "auc_low", "auc_high"))
    texts = (
        f"{counted(metrics['positive'] + metrics['negative'], 'text')} of {counted(metrics['documents'], 'document')}"
    )
    return [
        ("measured on", texts),
        ("AUC", f"{auc} ({low} to {high}, {PERCENT})"),
        ("Brier score", f"{metrics['brier']:.4f} (0.25 knows nothing)"),
        ("log loss", f"{metrics['log_loss']:.4f} (0.6931 knows nothing)"),
        ("calibration error", f"{metrics['calibration_error']:.4f}"),
    ]


def _share(value: float) -> str:
    """Write a share of at most 1 with four digits, or six close to 1."""
    return f"{value:.4f}" if value < 0.9995 else f"{value:.6f}"


def _print_confusion(metrics: dict[str, Any]) -> None:
    rows = [(f"{name} texts", *(f"{metrics[cell]:,}" for cell in cells)) for name, cells in CELLS.items()]
    print_table(["", "0.5 or more", "below 0.5"], rows, right=[1, 2])


CELLS = {"positive": ("true_positive", "false_negative"), "negative": ("false_positive", "true_negative")}


def _padded(described: dict[str, Any], name: str) -> list[tuple[str, str, str]]:
    """Return the cells of one half of the table of words, as long as the longer half."""
    rows = [
        (row["word"], f"{row['weight']:+.1f}", f"{row['positive']:,} : {row['negative']:,}") for row in described[name]
    ]
    longest = max(len(described["for_positive"]), len(described["for_negative"]))
    return rows + [("", "", "")] * (longest - len(rows))
