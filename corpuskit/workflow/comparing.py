"""From a recipe to a comparison: prepare, train and score the grid, summarise, report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, storage, tokenization
from corpuskit.corpus import Corpus
from corpuskit.errors import ArtifactError, RecipeError
from corpuskit.manifest import Manifest, Marker
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build, load
from corpuskit.tasks import Task
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.grid import Grid, read_score, score_run, tokenizer_folder

if TYPE_CHECKING:
    from pipelines.engine import Engine, Step
    from pretrain.compare import Comparison, GridRun, Outcome, RunScores

COMPARISON, REPORT = "comparison.json", "report.html"
HELDOUT = "held-out text"
"""Begins the name of bits per byte in a comparison: `held-out text, raw`, and by source `held-out text, raw, acl`."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What `compare` gives to look at."""

    comparison: "Comparison"
    report: str
    """Path of the report."""
    table: str
    """The result table, as text."""
    notes: Sequence[str]
    """Warnings."""


def compare(recipe: Recipe, out: str, engine: "Engine") -> Compared:
    """Run a recipe to its end; what is finished already is skipped.

    Raises:
        RecipeError: the recipe has no tokenizer, so there is nothing to compare.
        CorpuskitError: a step failed; run again to go on.
    """
    from corpuskit.report import render_table
    from pretrain.compare import load as load_comparison
    from pretrain.compare.page import summary_table

    _check_comparable(recipe)
    flow = Flow(recipe, out)
    notes = flow.prepare(engine)
    grid = Grid(recipe, Corpus(out))
    step = grid.step(engine.options.workers)
    flow.record([step.target, *map(grid.place, grid.runs)])
    engine.run(step)
    report = storage.join(out, REPORT)
    storage.commit(report, storage.read_bytes(storage.join(step.folder, REPORT)))
    found = load_comparison(storage.join(step.folder, COMPARISON))
    return Compared(comparison=found, report=report, table=render_table(summary_table(found)), notes=notes)


def _check_comparable(recipe: Recipe) -> None:
    if not recipe.tokenizers:
        raise RecipeError("tokenizers", "this recipe has no tokenizer, so there is nothing to train or compare")
    recipe.compare.check(recipe.tokenizers, recipe.variants)


def train_all(recipe: Recipe, out: str, engine: "Engine") -> list[dict[str, Any]]:
    """Prepare the data and train every run of the grid, without scoring tasks; return what each run did."""
    from pretrain import load_run

    _check_comparable(recipe)
    flow = Flow(recipe, out)
    flow.prepare(engine)
    grid = Grid(recipe, Corpus(out))
    step = grid.training_step(engine.options.workers)
    flow.record([step.target, *map(grid.place, grid.runs)])
    engine.run(step)
    folders = {run.name: grid.place(run).folder for run in grid.runs}
    records = {name: load_run(folder) for name, folder in folders.items()}
    return [
        {
            "name": name,
            "folder": folders[name],
            "tokens": record.tokens,
            "tokens_per_second": record.tokens_per_second,
            "validation": record.validation,
        }
        for name, record in records.items()
    ]


def evaluate_runs(folders: Sequence[str], recipe_path: str | None = None) -> list[dict[str, Any]]:
    """Score finished runs of a prepared corpus on tasks; return one entry per run and task.

    Args:
        folders: run folders, as `pretrain` and `compare` leave them below `runs/`.
        recipe_path: a recipe whose tasks and settings to use; by default the one the corpus was made with.

    Raises:
        ArtifactError: a folder is not a run inside a prepared corpus.
    """
    scores = []
    for folder in folders:
        manifest.read(folder, "run")
        corpus = _corpus_of(folder)
        recipe = load(recipe_path) if recipe_path else build(dict(corpus.manifest.extra["recipe"]))
        grid = Grid(recipe, corpus)
        run = next(
            (run for run in grid.runs if storage.base_name(grid.place(run).folder) == storage.base_name(folder)), None
        )
        if run is None:
            raise ArtifactError(f"{folder}: not a run of the recipe of {corpus.folder}")
        tokenizer = tokenizer_folder(corpus, run.cell.tokenizer)
        found = score_run(folder, grid.tasks(), recipe, tokenizer, run.seed)
        scores += [{"run": run.name, "task": task, **score} for task, score in found.items()]
    return [{name: value for name, value in score.items() if name != "items"} for score in scores]


def _corpus_of(folder: str) -> Corpus:
    parents = storage.local(folder).resolve().parents
    root = next((path for path in parents if (path / manifest.NAME).exists()), None)
    if root is None:
        raise ArtifactError(f"{folder}: no prepared corpus above this run")
    return Corpus(str(root))


def overall(comparison: "Comparison") -> "Comparison":
    """Return a comparison without the held-out text by source: what a summary shows."""
    shown = [task for task in comparison.tasks if not (task.task.startswith(HELDOUT) and task.task.count(", ") > 1)]
    return replace(comparison, tasks=tuple(shown))


def finish(step: "Step", markers: Mapping[str, list[Marker]], grid: Grid, tasks: Mapping[str, Task]) -> Manifest:
    """Summarise the finished grid: write comparison.json and report.html, then describe them."""
    from corpuskit.workflow.reporting import write_comparison_report
    from pretrain.compare import Cell, Standard, summarise

    config = grid.recipe.compare
    baseline = Cell(config.baseline.tokenizer, config.baseline.variant) if config.baseline else None
    standard = Standard(confidence=config.confidence, power=config.power)
    comparison = summarise([scores_of(grid, run, tasks) for run in grid.runs], standard, baseline)
    comparison.save(storage.join(step.folder, COMPARISON))
    write_comparison_report(storage.join(step.folder, REPORT), grid, comparison, overall(comparison))
    files = {name: manifest.file_entry(storage.join(step.folder, name)) for name in (COMPARISON, REPORT)}
    done = [marker for phase in step.phases for marker in markers[phase.name]]
    return replace(step.manifest(done), files=files)


def scores_of(grid: Grid, run: "GridRun", tasks: Mapping[str, Task]) -> "RunScores":
    """Gather what one finished run scored: tasks, and bits per byte of each held-out set."""
    from pretrain.compare import Outcome, RunScores

    folder = grid.place(run).folder
    lossless = tokenization.load(tokenizer_folder(grid.corpus, run.cell.tokenizer)).lossless
    outcomes = []
    for name, task in tasks.items():
        score = read_score(folder, name, task, grid.recipe)
        if score is None:
            raise ArtifactError(f"{folder}: no score for task {name!r}; run `corpuskit evaluate {folder}`")
        items = np.asarray(score["items"], np.float32)
        outcomes.append(
            Outcome(task=name, metric=score["metric"], value=score["value"], items=items, chance=score["chance"])
        )
    return RunScores(cell=run.cell, seed=run.seed, outcomes=(*outcomes, *_bits_per_byte(folder, lossless)))


def _bits_per_byte(folder: str, comparable: bool) -> "list[Outcome]":
    """Return a causal run's bits per byte by held-out set, with each document's value and bytes."""
    from pretrain.compare import Outcome
    from pretrain.run import VALIDATION, load_run

    with storage.open_input(storage.join(folder, VALIDATION)) as file:
        documents = pq.read_table(file)
    outcomes = []
    for name, scores in load_run(folder).validation.items():
        if "bits_per_byte" not in scores:
            continue
        rows = documents.filter(pc.equal(documents.column("set"), name))
        sizes = rows.column("bytes").to_numpy().astype(np.float64)  # never 0: validation leaves empty texts out
        items = (rows.column("bits").to_numpy() / sizes).astype(np.float32)
        value = scores["bits_per_byte"]
        title = f"{HELDOUT}, {name}"
        outcome = Outcome(
            task=title, metric="bits_per_byte", value=value, items=items, weights=sizes, comparable=comparable
        )
        outcomes.append(outcome)
    return outcomes
