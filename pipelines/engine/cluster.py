"""The cluster form: one Beam pipeline for all phases of a step, on any runner.

    Impulse | phase 1 | phase 2 | …
    phase:  opening token | items | spread | run | barrier -> one token, (phase, number of markers)

Only attempts and counts travel through Beam; payload goes through files. The barrier is a count of markers by one key,
which a batch runner emits only when every item before it is done. The graph keeps to what every runner supports:
no side inputs, tags, state or `finish_bundle`. Retries and scheduling are the runner's; it may run an item twice, even
at the same time. A record that kills its worker is searched for by the local engine only.
"""

import threading
from collections.abc import Iterator

from corpuskit import manifest
from corpuskit.errors import CorpuskitError, InputError, StepFailed
from pipelines.engine import state
from pipelines.engine.options import EngineOptions
from pipelines.engine.phase import Attempt, Item, Phase, Step, Work
from pipelines.engine.progress import Progress
from pipelines.engine.work import perform
from pipelines.quiet_beam import Metrics, PipelineOptions, beam

Token = tuple[str, int]
"""A phase's name and how many of its items this pipeline has brought to their markers."""
START: Token = ("start", 0)


def run_step(step: Step, options: EngineOptions, progress: Progress) -> None:
    """Run the missing items of all phases of a step in one Beam pipeline.

    Raises:
        InputError: there is no runner of that name.
        StepFailed: the pipeline failed.
        CorpuskitError: an item raised it and the runner passes exceptions on.
    """
    pending = _pending(step, progress)
    if not any(pending.values()):
        return
    pipeline = _pipeline(options)
    _ = pipeline | RunStep(step, pending)
    with Watch(step, pending, options.heartbeat, progress):
        try:
            pipeline.run().wait_until_finish()
        except CorpuskitError:
            raise
        except Exception as error:
            raise StepFailed(f"{step.name} on {options.runner}: {error}") from error
    for phase in step.phases:
        progress.phase_finished(step, phase)


def _pending(step: Step, progress: Progress) -> dict[str, list[Item]]:
    pending: dict[str, list[Item]] = {}
    for phase in step.phases:
        markers = state.read_markers(step, phase)
        done = sum(item.size for item in phase.items if item.name in markers)
        size = sum(item.size for item in phase.items)
        progress.phase_started(step, phase, len(phase.items), len(markers), size, done)
        pending[phase.name] = [item for item in phase.items if item.name not in markers]
    return pending


def _pipeline(options: EngineOptions) -> beam.Pipeline:
    try:
        return beam.Pipeline(runner=options.runner, options=PipelineOptions(flags=list(options.runner_options)))
    except (ValueError, ImportError, AttributeError) as error:
        raise InputError(f"--runner {options.runner}: {error}") from error


class RunStep(beam.PTransform):
    """Runs the pending items of each phase in turn; gives the last phase's token."""

    def __init__(self, step: Step, pending: dict[str, list[Item]]) -> None:
        super().__init__(step.name)
        self._step, self._pending = step, pending

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[Token]:
        """Chain the phases that have pending items."""
        token, expected = pipeline | "start" >> beam.Create([START], reshuffle=False), START
        for phase in self._step.phases:
            attempts = [self._attempt(item) for item in self._pending[phase.name]]
            if attempts:
                token |= phase.name >> RunPhase(phase.name, phase.work, attempts, expected)
                expected = (phase.name, len(attempts))
        return token

    def _attempt(self, item: Item) -> Attempt:
        return Attempt(item=item, folder=self._step.folder, fingerprint=self._step.identity.fingerprint)


class RunPhase(beam.PTransform):
    """Opens when the expected token arrives, runs all attempts, and gives one token when they all have markers."""

    def __init__(self, name: str, work: Work, attempts: list[Attempt], expected: Token) -> None:
        super().__init__(name)
        self._name, self._work, self._attempts, self._expected = name, work, attempts, expected

    def expand(self, opening: beam.PCollection[Token]) -> beam.PCollection[Token]:
        """Fan out to the attempts, and in again to their number."""
        return (
            opening
            | "items" >> beam.FlatMap(emit, self._attempts, self._expected).with_output_types(Attempt)
            | "spread" >> beam.Reshuffle()
            | "run" >> beam.ParDo(RunItem(self._name, self._work))
            | "barrier" >> beam.CombinePerKey(sum).with_output_types(Token)
        )


def emit(token: Token, attempts: list[Attempt], expected: Token) -> Iterator[Attempt]:
    """Yield a phase's attempts once the phase before is complete.

    Raises:
        RuntimeError: the runner lost markers of the phase before.
    """
    if token != expected:
        raise RuntimeError(f"this runner loses data: the barrier counts {token}, expected {expected}")
    yield from attempts


class RunItem(beam.DoFn):
    """Brings an attempt's item to its marker, unless it has one, and yields (phase, 1)."""

    def __init__(self, phase: str, work: Work) -> None:
        self._phase, self._work = phase, work
        self._made = Metrics.counter("corpuskit.engine", "items_made")
        self._found = Metrics.counter("corpuskit.engine", "items_found_made")

    def process(self, attempt: Attempt) -> Iterator[Token]:
        """Run one attempt; a bundle that is retried repeats only the items that are not done."""
        if manifest.read_marker(attempt.folder, self._phase, attempt.item.name, attempt.fingerprint):
            self._found.inc()
        else:
            perform(self._phase, self._work, attempt)
            self._made.inc()
        yield self._phase, 1


class Watch:
    """Reports items as their markers appear, from a thread: not all runners of Beam can tell progress."""

    def __init__(self, step: Step, pending: dict[str, list[Item]], interval: float, progress: Progress) -> None:
        self._step, self._interval, self._progress = step, interval, progress
        self._waiting = [(phase, list(pending[phase.name])) for phase in step.phases]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="corpuskit-watch", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self._look()

    def _look(self) -> None:
        for phase, items in self._waiting:
            items[:] = [item for item in items if not self._report(phase, item)]
            if items:
                return

    def _report(self, phase: Phase, item: Item) -> bool:
        fingerprint = self._step.identity.fingerprint
        marker = manifest.read_marker(self._step.folder, phase.name, item.name, fingerprint)
        if marker is not None:
            self._progress.item_finished(self._step, phase, item, marker)
        return marker is not None
