"""What of a step is finished, done, running, dead or missing."""

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from corpuskit import manifest, storage
from corpuskit.manifest import Manifest, Marker
from pipelines.engine.claims import claim_path, is_claimed, is_stale
from pipelines.engine.phase import Phase, Step

REQUESTS = 32
"""Markers that are fetched from an object store at the same time."""


@dataclass(frozen=True, kw_only=True)
class PhaseStatus:
    """How far a phase is, in items."""

    phase: str
    total: int
    done: int
    running: int
    """Claimed by a process that shows signs of life."""
    dead: int
    """Claimed by a process that shows none; whoever runs the step next takes them over."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What running a step would do."""

    action: Literal["skip", "resume", "run"]
    done: int
    """Items that have a valid marker, over all phases."""
    total: int

    def __str__(self) -> str:
        return f"resume ({self.done} of {self.total})" if self.action == "resume" else self.action


def finished(step: Step) -> Manifest | None:
    """Return the step's manifest where it is written and has the step's fingerprint."""
    found = manifest.find(step.folder)
    return found if found is not None and found.fingerprint == step.identity.fingerprint else None


def read_markers(step: Step, phase: Phase) -> dict[str, Marker]:
    """Return the valid markers of a phase by item name, in item order."""
    names = [item.name for item in phase.items]
    read = functools.partial(_read_marker, step, phase)
    if storage.is_remote(step.folder):
        with ThreadPoolExecutor(REQUESTS) as threads:
            found = list(threads.map(read, names))
    else:
        found = [read(name) for name in names]
    return {name: marker for name, marker in zip(names, found, strict=True) if marker is not None}


def _read_marker(step: Step, phase: Phase, name: str) -> Marker | None:
    return manifest.read_marker(step.folder, phase.name, name, step.identity.fingerprint)


def missing(phase: Phase, markers: Mapping[str, Marker]) -> list[str]:
    """Return the names of the items that have no marker, in item order."""
    return [item.name for item in phase.items if item.name not in markers]


def is_intact(folder: str, files: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether every file of a marker or manifest exists with its size and checksum."""
    paths = {storage.join(folder, name): entry for name, entry in files.items()}
    return all(storage.exists(path) and manifest.file_entry(path) == entry for path, entry in paths.items())


def status(step: Step) -> list[PhaseStatus]:
    """Return how far each phase is, from markers and claims."""
    if finished(step):
        totals = {phase.name: len(phase.items) for phase in step.phases}
        return [PhaseStatus(phase=name, total=n, done=n, running=0, dead=0) for name, n in totals.items()]
    return [_phase_status(step, phase) for phase in step.phases]


def _phase_status(step: Step, phase: Phase) -> PhaseStatus:
    markers = read_markers(step, phase)
    paths = [claim_path(step.folder, phase.name, name) for name in missing(phase, markers)]
    stale = [is_stale(path) for path in paths if is_claimed(path)]
    total = len(phase.items)
    return PhaseStatus(
        phase=phase.name, total=total, done=len(markers), running=len(stale) - sum(stale), dead=sum(stale)
    )


def plan(step: Step) -> Plan:
    """Say what `Engine.run` would do with a step; runs and changes nothing."""
    total = sum(len(phase.items) for phase in step.phases)
    if finished(step):
        return Plan(action="skip", done=total, total=total)
    done = sum(len(read_markers(step, phase)) for phase in step.phases)
    return Plan(action="resume" if done else "run", done=done, total=total)
