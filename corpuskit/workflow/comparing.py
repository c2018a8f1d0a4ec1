"""From a recipe to a comparison: prepare, train and score the grid, summarise, report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, storage, tokenization
from corpuskit.corpus import Corpus
from corpuskit.errors import ArtifactError, RecipeError
from corpuskit.manifest import Manifest, Marker
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build, load
from corpuskit.tasks import Task, TopicConfig
from corpuskit.tasks import load as load_task
from corpuskit.workflow import contamination, scoring
from corpuskit.workflow.chain import MEMORY
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.grid import Grid
from corpuskit.workflow.scoring import Scored

if TYPE_CHECKING:
    from pipelines.engine import Engine, Step
    from pretrain.compare import Comparison, GridRun, Outcome, RunScores

COMPARISON, REPORT = "comparison.json", "report.html"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What `compare` gives to look at."""

    comparison: "Comparison"
    report: str
    """Path of the report."""
    contamination: Mapping[str, Any] | None
    """Which items of the tasks are in the training text of which variant: `contamination.json`; None where the recipe
    has no item to look for."""
    notes: Sequence[str]
    """Warnings."""


def compare(recipe: Recipe, out: str, engine: "Engine", memory: int = MEMORY) -> Compared:
    """Run a recipe to its end; what is finished already is skipped. `memory`: see `Flow`.

    Raises:
        RecipeError: there is nothing to compare: no tokenizer, or neither a task nor a causal model.
        CorpuskitError: a step failed; run again to go on.
    """
    from pretrain.compare import load as load_comparison

    _check_comparable(recipe)
    _check_tasks(recipe)
    flow = Flow(recipe, out, memory)
    notes = flow.prepare(engine)
    grid = Grid(recipe, Corpus(out))
    loaded = grid.tasks()
    search = contamination.search_for(recipe, loaded)
    place = contamination.place(search, grid.corpus) if search.items else None
    found = contamination.measure(engine, search, grid.corpus).report if place else None
    step = grid.step(loaded, place)
    flow.record([*([place] if place else []), step.target, *grid.trained(loaded)])
    engine.run(step)
    report = storage.join(out, REPORT)
    storage.commit(report, storage.read_bytes(storage.join(step.folder, REPORT)))
    comparison = load_comparison(storage.join(step.folder, COMPARISON))
    notes += [*contamination.warnings(found), *grid_warnings(grid, loaded)]
    return Compared(comparison=comparison, report=report, contamination=found, notes=notes)


def _check_comparable(recipe: Recipe) -> None:
    if not recipe.tokenizers:
        raise RecipeError("tokenizers", "this recipe has no tokenizer, so there is nothing to train or compare")
    if not recipe.tasks and (recipe.pretrain.objective != "causal" or not recipe.heldout.share):
        raise RecipeError("tasks", "nothing to score: add a task, or hold out documents for a causal model")


def _check_tasks(recipe: Recipe) -> None:
    """Read the tasks that do not come from the corpus, so that a wrong file shows before hours of work."""
    for name, config in recipe.tasks.items():
        if not isinstance(config, TopicConfig):
            load_task(config, None, name)


def train_all(recipe: Recipe, out: str, engine: "Engine", memory: int = MEMORY) -> list[dict[str, Any]]:
    """Prepare the data and train every run of the grid, without scoring tasks; return what each run did."""
    from pretrain import load_run

    grid = _prepared(recipe, out, engine, memory)
    step = grid.training_step()
    Flow(recipe, out).record([step.target, *grid.trained({})])
    engine.run(step)
    trained = []
    for name, place in grid.places.items():
        record = load_run(place.folder)
        trained.append(
            {
                "name": name,
                "folder": place.folder,
                "tokens": record.tokens,
                "tokens_per_second": record.tokens_per_second,
                "validation": record.validation,
            }
        )
    return trained


def write_jobs(recipe: Recipe, out: str, folder: str, engine: "Engine", memory: int = MEMORY) -> list[str]:
    """Prepare the data and write one job.json per run of the grid, for `torchrun -m pretrain --job …`; return them."""
    grid = _prepared(recipe, out, engine, memory)
    return [grid.job(run).save(storage.join(folder, run.name)) for run in grid.runs]


def _prepared(recipe: Recipe, out: str, engine: "Engine", memory: int) -> Grid:
    if not recipe.tokenizers:
        raise RecipeError("tokenizers", "this recipe has no tokenizer, so there is nothing to train")
    Flow(recipe, out, memory).prepare(engine)
    return Grid(recipe, Corpus(out))


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
        corpus = _corpus_of(folder)
        recipe = load(recipe_path) if recipe_path else build(orjson.loads(corpus.manifest.extra["recipe"]))
        run = _scored(folder, corpus)
        found = scoring.score(run, Grid(recipe, corpus).tasks(), recipe, corpus.folder)
        scores += [{"run": run.name, "task": task, **score} for task, score in found.items()]
    return [{name: value for name, value in score.items() if name not in ("items", "units")} for score in scores]


def _scored(folder: str, corpus: Corpus) -> Scored:
    """Return a finished run as its manifest describes it."""
    found = manifest.read(folder, "run")
    wanted = found.identity["inputs"].get("tokenizer")
    tokenizers = [corpus.artifact("tokenizer", name) for name in corpus.artifacts.get("tokenizer", {})]
    matching = [path for path in tokenizers if manifest.read(path).fingerprint == wanted]
    if not matching:
        raise ArtifactError(f"{folder}: the tokenizer that it was trained with is not one of {corpus.folder}")
    seed = found.identity["config"]["pretrain"]["init_seed"]
    name = storage.base_name(folder).rsplit("-", 1)[0]
    return Scored(folder, found.fingerprint, name, seed, matching[0])


def _corpus_of(folder: str) -> Corpus:
    manifest.read(folder, "run")
    parents = storage.local(folder).resolve().parents
    root = next((path for path in parents if (path / manifest.NAME).exists()), None)
    if root is None:
        raise ArtifactError(f"{folder}: no prepared corpus above this run")
    return Corpus(str(root))


def finish(
    step: "Step", markers: Mapping[str, list[Marker]], grid: Grid, tasks: Mapping[str, Task], contamination: str | None
) -> Manifest:
    """Summarise the finished grid: write comparison.json and report.html, then describe them.

    Args:
        step: the comparison.
        markers: of its runs.
        grid: the grid.
        tasks: what it was scored on.
        contamination: folder of the search for their items in the training text; None where there are no items.
    """
    from corpuskit.workflow.contamination import read, tables, warnings
    from corpuskit.workflow.reporting import write_comparison_report
    from pretrain.compare import Cell, Standard, summarise

    config = grid.recipe.compare
    baseline = Cell(config.baseline.tokenizer, config.baseline.variant) if config.baseline else None
    standard = Standard(confidence=config.confidence, power=config.power)
    scores = [scores_of(grid, run, tasks) for run in grid.runs]
    comparison = summarise(scores, standard, baseline)
    comparison.save(storage.join(step.folder, COMPARISON))
    found = read(contamination).report if contamination else None
    notes = [*warnings(found), *grid_warnings(grid, tasks)]
    shown = tables(found) if found else ()
    write_comparison_report(storage.join(step.folder, REPORT), grid, comparison, shown, notes)
    files = {name: manifest.file_entry(storage.join(step.folder, name)) for name in (COMPARISON, REPORT)}
    done = [marker for phase in step.phases for marker in markers[phase.name]]
    return replace(step.manifest(done), files=files)


def grid_warnings(grid: Grid, tasks: Mapping[str, Task]) -> list[str]:
    """Say what makes runs of a finished grid less comparable: other devices, cut texts."""
    from pretrain import load_run

    notes = []
    environments = [load_run(place.folder).environment for place in grid.places.values()]
    for field in ("device", "precision", "threads", "world", "torch"):
        values = sorted({str(environment[field]) for environment in environments})
        if len(values) > 1:
            notes.append(f"runs differ in {field}: {', '.join(values)}")
    for run, places in grid.score_places(tasks).items():
        for task, place in places.items():
            if cut := scoring.read(place.folder)["cut"]:
                notes.append(f"{run}: {cut} texts of task {task} were cut at downstream.max_tokens")
    return notes


def scores_of(grid: Grid, run: "GridRun", tasks: Mapping[str, Task]) -> "RunScores":
    """Gather what one finished run scored: tasks, and bits per byte of each held-out set."""
    from pretrain.compare import Outcome, RunScores
    from pretrain.downstream import by_unit

    scored = grid.scored(run)
    outcomes = []
    for name, task in tasks.items():
        place = scoring.place(scored, name, task, grid.recipe, grid.corpus.folder)
        score = scoring.read(place.folder)
        items, weights = by_unit(np.asarray(score["items"], np.float32), np.asarray(score["units"], np.int64))
        outcome = Outcome(
            task=name,
            metric=score["metric"],
            value=score["value"],
            items=items,
            weights=weights,
            chance=score["chance"],
        )
        outcomes.append(outcome)
    lossless = tokenization.load(scored.tokenizer).lossless
    return RunScores(cell=run.cell, seed=run.seed, outcomes=(*outcomes, *_bits_per_byte(scored.folder, lossless)))


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
        outcome = Outcome(
            task=f"held-out text, {name}",
            metric="bits_per_byte",
            value=scores["bits_per_byte"],
            items=(rows.column("bits").to_numpy() / sizes).astype(np.float32),
            weights=sizes,
            comparable=comparable,
            source=name.partition(", ")[2] or None,
        )
        outcomes.append(outcome)
    return outcomes
