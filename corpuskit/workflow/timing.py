"""How long the steps of a run take: start-up, and the work of each phase.

Kernels are compiled by whichever process uses them first, and then loaded from a cache; either takes as long as some
megabytes of work. Workers therefore use all that a recipe needs before the clock of the first step starts.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from statistics import median
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa

from corpuskit import clean, dedup, signals, storage
from corpuskit.documents import revisions
from corpuskit.documents.schema import SCHEMA
from corpuskit.kernels import Texts
from corpuskit.manifest import Identity, Marker
from corpuskit.recipe import Recipe, groups_of, needed

if TYPE_CHECKING:
    from corpuskit.manifest import Manifest
    from pipelines.engine import Attempt, Engine, Item, Phase, Progress, Step

NAME = "timing.json"
START = "start-up"
LOADED = ("pipelines.ingest", "pipelines.annotate", "pipelines.select", "pipelines.dedup")
"""What a worker loads before it works."""
IDLE_ROUNDS = 3
"""Times that items with nothing to do are run: the shortest counts, so that no work is taken for overhead."""
FIRST_TEXTS = (
    "The cat sat on the mat.\n\nThe cat sat on the mat.\n- caf\u00c3\u00a9 #1 ... a@example.org\u200b, 10 % off; more",
    "\u5929\u5730\u7384\u9ec4\uff0c\u5b87\u5b99\u6d2a\u8352\u3002 e\u0301",
    "",
)
"""What each worker cleans, measures and signs before its clock starts."""


@dataclass
class PhaseTime:
    """The time that one phase took here, and how much of it was done by earlier runs."""

    name: str
    items: int
    ran: int
    """Items that ran here."""
    seconds: float = 0.0


@dataclass
class StepTime:
    """The time that one step took here."""

    kind: str
    name: str
    makes: list[str]
    """Fingerprints of what it makes: of a pass over the text, those of the signals."""
    seconds: float = 0.0
    """From the start of its first phase to its manifest."""
    phases: list[PhaseTime] = field(default_factory=list)


@dataclass
class Timing:
    """What was measured in a folder, also by earlier runs."""

    workers: int = 1
    start: float = 0.0
    """Seconds until workers are ready: processes, imports, Beam."""
    item: float = 0.0
    """Seconds that an item takes which has nothing to do."""
    steps: dict[str, StepTime] = field(default_factory=dict)
    """By the fingerprint of the step."""

    @property
    def overhead(self) -> float:
        """Seconds of an item that are no work: those of one with nothing to do, as measured before the steps; or the
        median over phases of a single item, which have little to do, where the machine was less busy then."""
        single = [phase.seconds for step in self.steps.values() for phase in step.phases if phase.ran == 1]
        return min(self.item, median(single)) if single else self.item

    def of(self, fingerprints: Collection[str]) -> list[StepTime]:
        """Return the steps that make artifacts with these fingerprints, in the order of their running."""
        return [step for step in self.steps.values() if set(step.makes) <= set(fingerprints)]


def read(folder: str) -> Timing:
    """Return what earlier runs in a folder measured; nothing where there were none."""
    path = storage.join(folder, NAME)
    if not storage.exists(path):
        return Timing()
    found = orjson.loads(storage.read_bytes(path))
    steps = {
        fingerprint: StepTime(**{**step, "phases": [PhaseTime(**phase) for phase in step["phases"]]})
        for fingerprint, step in found.pop("steps").items()
    }
    return Timing(**found, steps=steps)


class Timed:
    """A `Progress` that measures steps, keeps the result in a folder, and passes all else on."""

    def __init__(self, folder: str) -> None:
        self.timing = read(folder)
        self._folder = folder
        self._shown: Progress
        self._step = StepTime("", "", [])
        self._started = self._phase_started = 0.0

    def watch(self, shown: "Progress") -> "Progress":
        """Return this, which passes on to `shown` what it is told."""
        self._shown = shown
        return self

    def phase_started(
        self, step: "Step", phase: "Phase", items_total: int, items_done: int, bytes_total: int, bytes_done: int
    ) -> None:
        """Start the clock."""
        self._phase_started = time.perf_counter()
        if phase is step.phases[0]:
            self._started, self._step = self._phase_started, StepTime(step.kind, step.name, _makes(step))
        self._step.phases.append(PhaseTime(phase.name, items_total, items_total - items_done))
        if step.kind != START:
            self._shown.phase_started(step, phase, items_total, items_done, bytes_total, bytes_done)

    def phase_finished(self, step: "Step", phase: "Phase") -> None:
        """Stop the clock of a phase."""
        self._step.phases[-1].seconds = time.perf_counter() - self._phase_started
        if step.kind != START:
            self._shown.phase_finished(step, phase)

    def step_finished(self, step: "Step", made: "Manifest", skipped: bool) -> None:
        """Stop the clock of a step, and keep what was measured."""
        if step.kind == START:
            return
        if not skipped:
            self._step.seconds = time.perf_counter() - self._started
            self.timing.steps[step.identity.fingerprint] = self._step
            self._keep()
        self._shown.step_finished(step, made, skipped)

    def item_finished(self, step: "Step", phase: "Phase", item: "Item", marker: Marker) -> None:
        """Pass it on."""
        if step.kind != START:
            self._shown.item_finished(step, phase, item, marker)

    def worker_died(self, step: "Step", phase: "Phase", item: "Item", reason: str) -> None:
        """Pass it on."""
        self._shown.worker_died(step, phase, item, reason)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._shown.note(text)

    def start(self, engine: "Engine", recipe: Recipe) -> None:
        """Measure how long workers need to be ready for a recipe, and then for an item that has nothing to do."""
        self.timing.workers = max(engine.options.workers, 1)
        self.timing.start = self._spent(engine, "warm-up", partial(_warm_up, recipe=recipe))
        self.timing.item = min(self._spent(engine, f"idle {number}", _idle) for number in range(IDLE_ROUNDS))
        self._keep()

    def _spent(self, engine: "Engine", name: str, work: Callable[["Attempt"], Marker]) -> float:
        from pipelines.engine import Item, Phase, Step

        identity = Identity(step=START, revision=1, config={"name": name}, inputs={})
        folder = storage.join(self._folder, identity.folder(START))
        items = tuple(Item(name=f"{number}") for number in range(self.timing.workers))
        phase = Phase(name="idle", items=items, work=work)
        engine.run(Step(kind=START, name=name, folder=folder, identity=identity, phases=(phase,)))
        storage.remove(folder)
        return self._step.phases[-1].seconds

    def _keep(self) -> None:
        storage.commit(storage.join(self._folder, NAME), orjson.dumps(asdict(self.timing), option=orjson.OPT_INDENT_2))


def _makes(step: "Step") -> list[str]:
    inputs = step.identity.inputs.values()
    return [*map(str, inputs)] if step.kind == "pass" else [step.identity.fingerprint]


def _idle(attempt: "Attempt") -> Marker:
    """Do nothing."""
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint)


def _warm_up(attempt: "Attempt", *, recipe: Recipe) -> Marker:
    """Load what steps load, and use every kernel of a recipe's cleaners, signals and duplicates once."""
    for module in LOADED:
        import_module(module)
    column = pa.array(FIRST_TEXTS, SCHEMA.field("text").type)
    revisions.changes(column, pa.array([text[1:] for text in FIRST_TEXTS], column.type), 0)
    for steps in (recipe.clean, *map(recipe.cleaners, recipe.variants.values())):
        clean.apply(steps, column)
    texts = Texts.from_arrow(column)
    read = {name for variant in recipe.judged_variants.values() for name in needed(variant)}
    signals.compute(groups_of(read, recipe.signals), {"text": texts, "url": texts}, recipe.signal_configs)
    if recipe.dedup:
        dedup.sign(texts, recipe.dedup)
    return _idle(attempt)
