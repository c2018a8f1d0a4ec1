"""The grid of a comparison as a step: train and score every (tokenizer, variant, seed)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa

from corpuskit import manifest, storage, tasks, tokenization
from corpuskit.corpus import Corpus
from corpuskit.manifest import Identity, Marker, Target
from corpuskit.recipe import Recipe
from corpuskit.tasks import Task, TopicConfig
from corpuskit.workflow.cells import CellData

if TYPE_CHECKING:
    from pipelines.engine import Attempt, Phase, Step
    from pretrain import Job
    from pretrain.compare import GridRun

REVISION = 1
TASKS = "tasks"


@dataclass(frozen=True)
class Grid:
    """A prepared corpus and the recipe to train and score on it."""

    recipe: Recipe
    corpus: Corpus

    @property
    def runs(self) -> "list[GridRun]":
        """Every run, seeds outside."""
        from pretrain.compare import runs

        return runs(self.recipe.tokenizers, self.recipe.variants, self.recipe.compare.seeds)

    def tasks(self) -> dict[str, Task]:
        """Return the downstream tasks as text; `topic` tasks come from the held-out documents."""
        configs = self.recipe.tasks
        heldout = self._heldout() if any(isinstance(config, TopicConfig) for config in configs.values()) else None
        return {name: tasks.load(config, heldout, name) for name, config in configs.items()}

    def _heldout(self) -> pa.Table:
        columns = ["key", "text", "metadata", "heldout"]
        batches = [batch.filter(batch.column("heldout")) for batch in self.corpus.batches(columns)]
        return pa.Table.from_batches(batches).drop_columns(["heldout"])

    def place(self, run: "GridRun") -> Target:
        """Return where one run goes; its folder's name tells apart all that decides it."""
        data = CellData(self.corpus, run.cell.tokenizer, run.cell.variant)
        inputs = {**data.fingerprints(), "run": run.name}
        identity = Identity(step="run", revision=REVISION, config=self._configs(), inputs=inputs)
        return Target.place("run", run.name, storage.join(self.corpus.folder, "runs"), identity)

    def job(self, run: "GridRun", threads: int | None = None) -> "Job":
        """Return the pretraining job of one run: the seed decides both the initial weights and the data order."""
        from pretrain import Job

        data = CellData(self.corpus, run.cell.tokenizer, run.cell.variant)
        return Job(
            shards=data.shards,
            token_bytes=tokenization.load(data.tokenizer_folder).token_bytes(),
            selection=data.rows.training,
            validation=data.rows.validation,
            config=self.recipe.pretrain.model_copy(update={"init_seed": run.seed, "data_seed": run.seed}),
            model=self.recipe.model,
            out=self.place(run).folder,
            inputs=data.fingerprints(),
            threads=threads,
        )

    def _configs(self) -> dict[str, Any]:
        return {"model": self.recipe.model.plain(), "pretrain": self.recipe.pretrain.deciding()}

    def target(self, loaded: Mapping[str, Task]) -> Target:
        """Return where the comparison goes."""
        cells = {(run.cell.tokenizer, run.cell.variant): run.cell for run in self.runs}
        inputs = {cell.name: CellData(self.corpus, *pair).fingerprints() for pair, cell in cells.items()}
        config = {
            **self._configs(),
            "downstream": self.recipe.downstream.plain(),
            "compare": self.recipe.compare.plain(),
        }
        identity = Identity(
            step="compare",
            revision=REVISION,
            config=config,
            inputs={**inputs, "tasks": {name: tasks.fingerprint(task) for name, task in loaded.items()}},
            libraries=manifest.library_versions(["torch", "numpy", "scipy"]),
        )
        return Target.place("comparison", "comparison", self.corpus.folder, identity)

    def step(self, workers: int) -> "Step":
        """Plan the comparison: one item a run; `workers` processes will share the cores."""
        from corpuskit.workflow.comparing import finish
        from pipelines.engine import Step

        loaded = self.tasks()
        phase = self._phase("train and score", workers, scored=True)
        return Step(**vars(self.target(loaded)), phases=(phase,), finish=partial(finish, grid=self, tasks=loaded))

    def training_step(self, workers: int) -> "Step":
        """Plan the training of all runs alone, without tasks."""
        from pipelines.engine import Step

        place = replace(self.target({}), kind="training", name="training")
        place = replace(place, folder=storage.join(self.corpus.folder, place.identity.folder("training")))
        return Step(**vars(place), phases=(self._phase("train", workers, scored=False),))

    def _phase(self, name: str, workers: int, scored: bool) -> "Phase":
        from pipelines.engine import Item, Phase

        threads = max(1, len(os.sched_getaffinity(0)) // max(workers, 1))
        work = partial(run_cell, recipe=self.recipe, corpus=self.corpus.folder, threads=threads, scored=scored)
        size = self.recipe.pretrain.budget_bytes
        items = tuple(Item(name=run.name, payload={"run": run}, size=size) for run in self.runs)
        return Phase(name=name, items=items, work=work)


def run_cell(attempt: "Attempt", *, recipe: Recipe, corpus: str, threads: int, scored: bool) -> Marker:
    """Train one run of the grid, unless it is trained, and score it on every task."""
    from pretrain.train import train

    grid = Grid(recipe, Corpus(corpus))
    run = attempt.item.payload["run"]
    job = grid.job(run, threads)
    record = train(job)
    if scored:
        score_run(job.out, grid.tasks(), recipe, tokenizer_folder(grid.corpus, run.cell.tokenizer), run.seed)
    counts = {"tokens": record.tokens, "bytes": record.bytes, "flops": record.flops, "seconds": record.seconds}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=1, counts=counts)


def tokenizer_folder(corpus: Corpus, name: str) -> str:
    """Return the folder of a tokenizer of a prepared corpus."""
    return corpus.artifact("tokenizer", name)


def score_run(folder: str, loaded: Mapping[str, Task], recipe: Recipe, tokenizer: str, seed: int) -> dict[str, Any]:
    """Score a finished run on tasks and commit each score beside the run; return {task: score}.

    A task that was scored before, with the same items and settings, is not scored again.
    """
    from pretrain import load_model, load_run
    from pretrain.downstream import evaluate

    scores = {name: read_score(folder, name, task, recipe) for name, task in loaded.items()}
    missing = [name for name, score in scores.items() if score is None]
    if missing:
        model, objective = load_model(folder), load_run(folder).objective
        encoder = tokenization.load(tokenizer)
        for name in missing:
            result = evaluate(loaded[name], model, encoder, objective, recipe.downstream, seed)
            scores[name] = {
                "fingerprint": _score_fingerprint(loaded[name], recipe),
                "metric": result.metric,
                "value": result.accuracy,
                "chance": result.chance,
                "groups": dict(result.groups),
                "seconds": result.seconds,
                "items": np.asarray(result.items, np.float32).tolist(),
            }
            storage.commit(_score_path(folder, name), orjson.dumps(scores[name]))
    return scores


def read_score(folder: str, name: str, task: Task, recipe: Recipe) -> dict[str, Any] | None:
    """Return a run's score on a task, or None where it has none for these items and settings."""
    path = _score_path(folder, name)
    if not storage.exists(path):
        return None
    score: dict[str, Any] = orjson.loads(storage.read_bytes(path))
    return score if score["fingerprint"] == _score_fingerprint(task, recipe) else None


def _score_path(folder: str, name: str) -> str:
    return storage.join(folder, TASKS, f"{name}.json")


def _score_fingerprint(task: Task, recipe: Recipe) -> str:
    config = recipe.downstream.plain()
    inputs = {"task": tasks.fingerprint(task)}
    return Identity(step="score", revision=REVISION, config=config, inputs=inputs).fingerprint
