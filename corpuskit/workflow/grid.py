"""The grid of a comparison as a step: train and score every (tokenizer, variant, seed)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import pyarrow as pa

from corpuskit import manifest, storage, tasks
from corpuskit.corpus import Corpus
from corpuskit.manifest import Identity, Marker, Target
from corpuskit.recipe import Recipe
from corpuskit.tasks import Task, TopicConfig
from corpuskit.workflow import scoring
from corpuskit.workflow.cells import CellData
from corpuskit.workflow.scoring import Scored

if TYPE_CHECKING:
    from pipelines.engine import Attempt, Phase, Step
    from pretrain import Job
    from pretrain.compare import Cell, GridRun

REVISION = 1


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

    @cached_property
    def cells(self) -> dict["Cell", CellData]:
        """What each cell trains on; read once, however many seeds there are."""
        return {run.cell: CellData(self.corpus, run.cell.tokenizer, run.cell.variant) for run in self.runs}

    def job(self, run: "GridRun") -> "Job":
        """Return the pretraining job of one run: the seed decides both the initial weights and the data order."""
        from pretrain import Job

        data = self.cells[run.cell]
        job = Job(
            shards=data.shards,
            token_bytes=data.token_bytes,
            selection=data.rows.training,
            validation=data.rows.validation,
            config=self.recipe.pretrain.model_copy(update={"init_seed": run.seed, "data_seed": run.seed}),
            model=self.recipe.model,
            out="",
            inputs=data.fingerprints,
            threads=self.recipe.pretrain.threads,
        )
        folder = storage.join(self.corpus.folder, "runs", job.identity.folder(run.name))
        return replace(job, out=folder)

    @cached_property
    def places(self) -> dict[str, Target]:
        """Where each run goes, by its name."""
        jobs = {run.name: self.job(run) for run in self.runs}
        return {
            name: Target(kind="run", name=name, folder=job.out, identity=job.identity) for name, job in jobs.items()
        }

    def scored(self, run: "GridRun") -> Scored:
        """Return what scoring a run needs."""
        place = self.places[run.name]
        return Scored(place.folder, place.fingerprint, run.name, run.seed, self.cells[run.cell].tokenizer_folder)

    def score_places(self, loaded: Mapping[str, Task]) -> dict[str, dict[str, Target]]:
        """Return where each run's score on each task goes: run -> task -> place."""
        out = self.corpus.folder
        return {
            run.name: {
                name: scoring.place(self.scored(run), name, task, self.recipe, out) for name, task in loaded.items()
            }
            for run in self.runs
        }

    def trained(self, loaded: Mapping[str, Task]) -> list[Target]:
        """Return all runs and scores of the grid."""
        scores = [place for places in self.score_places(loaded).values() for place in places.values()]
        return [*self.places.values(), *scores]

    def target(self, loaded: Mapping[str, Task], contamination: Target | None) -> Target:
        """Return where the comparison goes; its report shows what was found of the tasks in the training text, if any
        was looked for."""
        identity = Identity(
            step="compare",
            revision=REVISION,
            config={"compare": self.recipe.compare.plain()},
            inputs={
                "runs": {name: place.fingerprint for name, place in self.places.items()},
                "scores": {
                    run: {name: place.fingerprint for name, place in places.items()}
                    for run, places in self.score_places(loaded).items()
                },
                **({"contamination": contamination.fingerprint} if contamination else {}),
            },
            libraries=manifest.library_versions(["numpy", "scipy"]),
        )
        return Target.place("comparison", "comparison", self.corpus.folder, identity)

    def step(self, loaded: Mapping[str, Task], contamination: Target | None) -> "Step":
        """Plan the comparison: one item a run, trained and scored on the loaded tasks."""
        from corpuskit.workflow.comparing import finish
        from pipelines.engine import Step

        phase = self._phase("train and score" if loaded else "train", loaded)
        end = partial(finish, grid=self, tasks=loaded, contamination=contamination.folder if contamination else None)
        return Step(**vars(self.target(loaded, contamination)), phases=(phase,), finish=end)

    def training_step(self) -> "Step":
        """Plan the training of all runs alone, without tasks."""
        from pipelines.engine import Step

        runs = {name: place.fingerprint for name, place in self.places.items()}
        identity = Identity(step="train", revision=REVISION, config={}, inputs=runs)
        place = Target.place("training", "training", self.corpus.folder, identity)
        return Step(**vars(place), phases=(self._phase("train", {}),))

    def _phase(self, name: str, loaded: Mapping[str, Task]) -> "Phase":
        from pipelines.engine import Item, Phase

        work = partial(run_cell, grid=Grid(self.recipe, self.corpus), tasks=loaded)
        size = self.recipe.pretrain.budget_bytes
        payloads = {run.name: {"run": run, "scored": self.scored(run)} for run in self.runs}
        items = tuple(Item(name=name, payload=payload, size=size) for name, payload in payloads.items())
        return Phase(name=name, items=items, work=work)


def run_cell(attempt: "Attempt", *, grid: Grid, tasks: Mapping[str, Task]) -> Marker:
    """Train one run of the grid, unless it is trained, and score it on the tasks.

    The grid travels whole: another run in the same folder may rewrite the corpus's manifest meanwhile.
    """
    from pretrain.train import train

    record = train(grid.job(attempt.item.payload["run"]))
    scoring.score(attempt.item.payload["scored"], tasks, grid.recipe, grid.corpus.folder)
    counts = {"tokens": record.tokens, "bytes": record.bytes, "flops": record.flops, "seconds": record.seconds}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=1, counts=counts)
