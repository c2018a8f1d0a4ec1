"""Commands that train and judge models: demo, compare, pretrain, evaluate."""

from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import messages, print_json, print_table, results


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (demo, compare, pretrain, evaluate):
        app.command(rich_help_panel="Models")(command)


def demo(
    out: options.Out = "demo",
    set_: options.Set = [],  # noqa: B006  Typer copies it
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run the whole flow on the documentation of this Python: minutes, no download, ends with a report."""
    from corpuskit.workflow.demo import RECIPE

    compare(RECIPE, out, set_, workers, json=json, quiet=quiet)


def compare(
    recipe: options.RecipePath,
    out: options.Out = "out",
    set_: options.Set = [],  # noqa: B006
    workers: options.Workers = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a recipe to its end: data, tokenizers, every run of the grid, tasks, statistics, report.html."""
    from corpuskit.recipe import load
    from corpuskit.workflow.comparing import compare as run_comparison

    loaded = load(recipe, set_)
    with session.engine(workers, slice_=slice_, quiet=quiet) as engine:
        compared = run_comparison(loaded, out, engine)
    session.show(compared.notes)
    if json:
        print_json({"report": compared.report, "comparison": compared.comparison})
        return
    results.print(compared.table)
    for sentence in compared.comparison.headlines:
        results.print(f"• {sentence}")
    messages.print(f"\nreport: {compared.report}")


def pretrain(
    recipe: options.RecipePath,
    out: options.Out = "out",
    set_: options.Set = [],  # noqa: B006
    workers: options.Workers = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare the data and train every run of the grid; resume where an earlier call stopped."""
    from corpuskit.recipe import load
    from corpuskit.workflow.comparing import train_all

    with session.engine(workers, slice_=slice_, quiet=quiet) as engine:
        trained = train_all(load(recipe, set_), out, engine)
    if json:
        print_json(trained)
        return
    columns = ["run", "bits per byte", "tokens", "tokens/s", "folder"]
    rows = [
        (run["name"], _bits(run["validation"]), f"{run['tokens']:,}", f"{run['tokens_per_second']:,.0f}", run["folder"])
        for run in trained
    ]
    print_table("", columns, rows, right=[1, 2, 3])


def _bits(validation: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {scores['bits_per_byte']:.3f}" for name, scores in validation.items() if "bits_per_byte" in scores
    )


def evaluate(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    recipe: Annotated[
        str | None, typer.Option(help="Take tasks and settings from this recipe. [default: the corpus's own]")
    ] = None,
    json: options.Json = False,
) -> None:
    """Score finished runs on downstream tasks."""
    from corpuskit.workflow.comparing import evaluate_runs

    scores = evaluate_runs(runs, recipe)
    if json:
        print_json(scores)
        return
    rows = [(score["run"], score["task"], f"{score['value']:.3f}", f"{score['chance']:.3f}") for score in scores]
    print_table("", ["run", "task", "accuracy", "chance"], rows, right=[2, 3])
