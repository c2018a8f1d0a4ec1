"""Commands that train and judge models: demo, compare, pretrain, evaluate."""

from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import busy, print_json, print_table, print_text, say, warn

PANEL = "Models"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    command = options.adder(app, PANEL)
    command(demo, "corpuskit demo", "corpuskit demo --out demo2 --set compare.seeds=[0,1,2,3,4]")
    command(
        compare,
        "corpuskit compare recipes/text_files.yaml --out out",
        "corpuskit compare recipe.yaml --set compare.seeds=[0,1,2,3,4]",
        "corpuskit compare recipe.yaml --json | jq .comparison.tasks",
    )
    command(
        pretrain,
        "corpuskit pretrain recipe.yaml --set pretrain.budget_bytes=10MB",
        "corpuskit pretrain recipe.yaml --jobs jobs",
    )
    command(
        evaluate,
        "corpuskit evaluate out/runs/*",
        "corpuskit evaluate out/runs/bpe--* --recipe other_tasks.yaml",
    )


def demo(
    out: options.Out = "demo",
    set_: options.Set = [],  # noqa: B006  Typer copies it
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run the whole flow on the documentation of this Python: minutes, no download, ends with a report."""
    from corpuskit.workflow.demo import RECIPE

    compare(RECIPE, out, set_, workers, json=json)


def compare(
    recipe: options.RecipePath,
    out: options.Out = "out",
    set_: options.Set = [],  # noqa: B006
    workers: options.Workers = None,
    memory: options.Memory = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a recipe to its end: data, tokenizers, every run of the grid, tasks, statistics, report.html."""
    from corpuskit.cli.contamination import print_contamination
    from corpuskit.cli.scores import print_scores
    from corpuskit.workflow import comparing
    from corpuskit.workflow.extras import require_comparison
    from corpuskit.workflow.places import check_corpus_folder

    loaded = session.load(recipe, set_)
    require_comparison()
    check_corpus_folder(out)
    own = session.worker_memory(memory, workers)
    with session.engine(workers, slice_=slice_) as engine:
        compared = comparing.compare(loaded, out, engine, own)
    warn(compared.notes)
    if json:
        found = {"comparison": compared.comparison, "contamination": compared.contamination}
        print_json({"report": compared.report, **found})
        return
    print_scores(compared.comparison)
    if compared.contamination:
        print_contamination(compared.contamination)
    print_text(f"report: {compared.report}")


def pretrain(
    recipe: options.RecipePath,
    out: options.Out = "out",
    set_: options.Set = [],  # noqa: B006
    workers: options.Workers = None,
    memory: options.Memory = None,
    slice_: options.Slice = None,
    jobs: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Only write a job.json per run, for `torchrun -m pretrain --job DIR/<run>/job.json`."
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare the data and train every run of the grid; resume where an earlier call stopped."""
    from corpuskit.workflow.comparing import train_all, write_jobs
    from corpuskit.workflow.extras import require_training
    from corpuskit.workflow.places import check_corpus_folder

    loaded = session.load(recipe, set_)
    require_training()
    check_corpus_folder(out)
    own = session.worker_memory(memory, workers)
    with session.engine(workers, slice_=slice_) as engine:
        if jobs:
            paths = write_jobs(loaded, out, jobs, engine, own)
        else:
            trained = train_all(loaded, out, engine, own)
    if jobs:
        print_json(paths) if json else print_text("\n".join(paths))
        return
    if json:
        print_json(trained)
        return
    _print_runs(trained)
    say(f"runs: {out}/runs")


def _print_runs(trained: list[dict[str, Any]]) -> None:
    """Print bits per byte on the overall held-out sets; those of single sources are in the JSON."""
    sets = [name for name in ("raw", "common") if any(name in run["validation"] for run in trained)]
    rows = [
        (
            run["name"],
            f"{run['tokens']:,}",
            f"{run['tokens_per_second']:,.0f}",
            *(_bits(run["validation"], name) for name in sets),
        )
        for run in trained
    ]
    columns = ["run", "tokens", "tokens/s", *(f"bits per byte, {name}" for name in sets)]
    print_table(columns, rows, right=range(1, len(columns)))


def _bits(validation: dict[str, Any], name: str) -> str:
    value = validation.get(name, {}).get("bits_per_byte")
    return "–" if value is None else f"{value:.3f}"


def evaluate(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE", help="Take tasks and settings from this recipe. [dim]Default: the corpus's own.[/]"
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score finished runs on downstream tasks."""
    from corpuskit.workflow.comparing import evaluate_runs
    from corpuskit.workflow.extras import require_training

    require_training()
    scores = []
    for number, run in enumerate(runs, 1):
        with busy(f"scoring run {number} of {len(runs)}"):
            scores += evaluate_runs([run], recipe)
    if json:
        print_json(scores)
        return
    rows = [
        (score["run"], score["task"], score["metric"], f"{score['value']:.3f}", f"{score['chance']:.3f}")
        for score in scores
    ]
    print_table(["run", "task", "metric", "score", "chance"], rows, right=[3, 4])
