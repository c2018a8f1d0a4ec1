"""Scores of finished runs on downstream tasks, each an artifact of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from corpuskit import manifest, storage, tasks, tokenization
from corpuskit.errors import ArtifactError
from corpuskit.manifest import Identity, Manifest, Target
from corpuskit.recipe import Recipe
from corpuskit.tasks import Task

REVISION = 1
FILE = "score.json"


@dataclass(frozen=True)
class Scored:
    """A finished run, and what it is scored with."""

    folder: str
    """The run's folder."""
    fingerprint: str
    """The run's."""
    name: str
    seed: int
    tokenizer: str
    """Folder of the tokenizer that the run was trained with."""


def place(run: Scored, name: str, task: Task, recipe: Recipe, out: str) -> Target:
    """Return where a run's score on a task goes: another run, other items or settings, another folder."""
    identity = Identity(
        step="score",
        revision=REVISION,
        config=recipe.downstream.plain(),
        inputs={"run": run.fingerprint, "task": tasks.fingerprint(task)},
        libraries=manifest.library_versions(["numpy", "torch"]),
    )
    return Target.place("score", f"{run.name}--{name}", storage.join(out, "scores"), identity)


def score(run: Scored, loaded: Mapping[str, Task], recipe: Recipe, out: str) -> dict[str, dict[str, Any]]:
    """Score a run on the tasks that it has no score on yet; return all scores by task."""
    from pretrain import load_model, load_run
    from pretrain.device import limited_threads, pick_device
    from pretrain.downstream import evaluate

    places = {name: place(run, name, task, recipe, out) for name, task in loaded.items()}
    missing = [name for name, target in places.items() if not target.done]
    if missing:
        model, objective = load_model(run.folder, pick_device("auto")), load_run(run.folder).objective
        encoder = tokenization.load(run.tokenizer)
        with limited_threads(recipe.pretrain.threads):
            for name in missing:
                result = evaluate(loaded[name], model, encoder, objective, recipe.downstream, run.seed)
                _write(places[name], result)
    return {name: read(target.folder) for name, target in places.items()}


def _write(target: Target, result: Any) -> None:
    fields = {
        "metric": result.metric,
        "value": result.accuracy,
        "chance": result.chance,
        "cut": result.cut,
        "groups": dict(result.groups),
        "seconds": result.seconds,
        "items": np.asarray(result.items, np.float32).tolist(),
        "units": np.asarray(result.units, np.int64).tolist(),
    }
    path = storage.join(target.folder, FILE)
    storage.commit(path, orjson.dumps(fields))
    whole = Manifest(
        kind=target.kind,
        name=target.name,
        fingerprint=target.fingerprint,
        identity=target.identity.plain(),
        rows=len(fields["items"]),
        counts={"accuracy": result.accuracy, "chance": result.chance, "seconds": result.seconds},
        files={FILE: manifest.file_entry(path)},
        environment=manifest.environment(),
    )
    manifest.write(target.folder, whole)


def read(folder: str) -> dict[str, Any]:
    """Return a finished score: metric, value, chance, items, units, groups, seconds.

    Raises:
        ArtifactError: there is none.
    """
    manifest.read(folder, "score")
    fields: dict[str, Any] = orjson.loads(storage.read_bytes(storage.join(folder, FILE)))
    if len(fields["items"]) != len(fields["units"]):
        raise ArtifactError(f"{folder}: {len(fields['items'])} items, but {len(fields['units'])} units")
    return fields
