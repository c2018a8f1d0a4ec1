"""What a run would do: which artifacts are there, which will be made, and which field changed."""

from dataclasses import dataclass

import orjson

from corpuskit import manifest, storage
from corpuskit.manifest import Target
from corpuskit.workflow.extras import require_web
from corpuskit.workflow.flow import Flow


@dataclass(frozen=True)
class Planned:
    """One line of a plan."""

    kind: str
    name: str
    folder: str
    """Empty for shards whose place follows from variants that are not made yet."""
    action: str
    """`skip` (done), `resume` (started) or `run`."""
    changes: tuple[str, ...] = ()
    """In what it differs from the artifact of that name in the last finished run: own fields, inputs, libraries."""


def plan(flow: Flow) -> list[Planned]:
    """Say for each artifact of a recipe what a run would do, without running anything.

    Raises:
        MissingExtra: a package is not installed that a run would need.
    """
    require_web(flow.recipe)
    before = _recorded(flow.out)
    known = [_planned(place, before.get((place.kind, place.name))) for place in flow.targets]
    return known + _shards(flow, before)


def recipe_changes(flow: Flow) -> list[str]:
    """Name each field of the recipe that differs from the last finished run, as `path: before -> now`."""
    corpus = manifest.find(flow.out)
    return manifest.differences(orjson.loads(corpus.extra["recipe"]), flow.recipe.plain()) if corpus else []


def _shards(flow: Flow, before: dict[tuple[str, str], str]) -> list[Planned]:
    """Which shards there will be depends on how many rows the variants keep: before, one set per tokenizer."""
    if not all(place.done for place in flow.variants.values()):
        return [Planned("shards", name, "", "run", ("after the variants",)) for name in flow.tokenizers]
    places = {place.folder: place for place in flow.shards.values()}.values()
    return [_planned(place, before.get((place.kind, place.name))) for place in places]


def _recorded(out: str) -> dict[tuple[str, str], str]:
    """Return the folder of each artifact that the last finished run recorded, by (kind, name)."""
    corpus = manifest.find(out)
    if corpus is None:
        return {}
    artifacts = corpus.extra["artifacts"].items()
    return {(kind, name): storage.join(out, path) for kind, named in artifacts for name, path in named.items()}


def _planned(place: Target, before: str | None) -> Planned:
    if place.done:
        return Planned(place.kind, place.name, place.folder, "skip")
    started = storage.exists(storage.join(place.folder, "markers"))
    old = manifest.find(before) if before else None
    changes = manifest.differences(old.identity, place.identity.plain()) if old else []
    return Planned(place.kind, place.name, place.folder, "resume" if started else "run", _readable(changes))


def _readable(changes: list[str]) -> tuple[str, ...]:
    """Name changed inputs, whose fingerprints say nothing to a person, and leave other changes as they are."""
    inputs = [change.removeprefix("inputs.") for change in changes if change.startswith("inputs.")]
    names = dict.fromkeys(change.split(":")[0].split("[")[0] for change in inputs)
    own = [change.removeprefix("config.") for change in changes if not change.startswith("inputs.")]
    return (*own, *(f"input {name} changed" for name in names))
