"""What a run would do: which artifacts are there, which will be made, and which field changed."""

from dataclasses import dataclass

from corpuskit import manifest, storage
from corpuskit.manifest import Target
from corpuskit.workflow.flow import Flow


@dataclass(frozen=True)
class Planned:
    """One line of a plan."""

    kind: str
    name: str
    folder: str
    action: str
    """`skip` (done), `resume` (started) or `run`."""
    changes: tuple[str, ...] = ()
    """Fields in which it differs from the artifact of that name in the last finished run."""


def plan(flow: Flow) -> list[Planned]:
    """Say for each artifact of a recipe what a run would do, without running anything."""
    before = _recorded(flow.out)
    return [_planned(place, before.get((place.kind, place.name))) for place in flow.targets + _shards(flow)]


def _shards(flow: Flow) -> list[Target]:
    """Shards depend on how many rows the variants keep; before that is known they are left out."""
    if not all(place.done for place in flow.variants.values()):
        return []
    return list({place.folder: place for place in flow.shards.values()}.values())


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
    return Planned(place.kind, place.name, place.folder, "resume" if started else "run", tuple(changes))
