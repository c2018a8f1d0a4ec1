"""Steps, phases, items and attempts: what an engine runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpuskit.manifest import Identity, Manifest, Marker, Target, environment, merge


@dataclass(frozen=True, kw_only=True)
class Item:
    """One unit of a phase: a split or a partition. Small and picklable; payload travels through files."""

    name: str
    """Unique in its phase, a valid file name; output files are named after it."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What the work function needs besides the phase's config: paths, row ranges."""
    size: int = 0
    """Bytes to read: the largest items are scheduled first, and progress is counted in it."""
    records: int = 0
    """Number of records where known; bisection needs it."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try at an item."""

    item: Item
    folder: str
    """The artifact's folder; work functions commit their files under it."""
    fingerprint: str
    poison: tuple[int, ...] = ()
    """Record numbers (within the item) known to kill a worker: write them to `errors/` without touching them."""
    only: tuple[int, int] | None = None
    """Bisection probe: process just the records [start, stop) and commit nothing."""


Work = Callable[[Attempt], Marker]
"""A picklable plain function (module level, or a `functools.partial` of one): commits files, returns the marker."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A map over small items; the barrier after it is that every item's marker exists."""

    name: str
    items: tuple[Item, ...]
    work: Work
    bisects: bool = False
    """Whether `work` honours `Attempt.only` and `poison`, so that a record which kills its worker can be found."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What makes one artifact: phases in order, then the manifest."""

    kind: str
    """The manifest's kind."""
    name: str
    folder: str
    identity: Identity
    phases: tuple[Phase, ...]
    scratch: tuple[str, ...] = ()
    """Subfolders with exchange files, removed once the manifest is written."""
    finish: Callable[["Step", Mapping[str, list[Marker]]], Manifest] | None = None
    """Builds the manifest from all markers by phase (in item order); default: merge the last phase's markers."""

    @property
    def target(self) -> Target:
        """Where the artifact goes, without how it is made."""
        return Target(kind=self.kind, name=self.name, folder=self.folder, identity=self.identity)

    def manifest(self, markers: Sequence[Marker], extra: Mapping[str, Any] | None = None) -> Manifest:
        """Return the manifest that these markers, in item order, add up to."""
        return Manifest(
            kind=self.kind,
            name=self.name,
            fingerprint=self.identity.fingerprint,
            identity=self.identity.plain(),
            environment=environment(),
            extra=extra or {},
            **merge(markers),
        )
