"""The local engine: a queue of items, largest first, over worker processes."""

import pickle
import time
from collections import deque

from corpuskit import manifest
from corpuskit.errors import NotReady, StepFailed
from pipelines.engine import state
from pipelines.engine.claims import Claims, claim_path
from pipelines.engine.jobs import Job
from pipelines.engine.options import EngineOptions
from pipelines.engine.phase import Phase, Step
from pipelines.engine.pool import Event, Pool, Worker
from pipelines.engine.progress import Progress
from pipelines.engine.work import Request

NAMED = 5
"""Missing items that a message names."""


class FinishedElsewhere(Exception):
    """Another process has written the step's manifest meanwhile."""


def run_step(step: Step, pool: Pool, options: EngineOptions, progress: Progress) -> None:
    """Run the phases of a step in order, each to its last marker.

    Raises:
        NotReady: other slices have not finished their items of a phase.
        FinishedElsewhere: another process finished the whole step.
        CorpuskitError: an item failed.
    """
    with Claims(options.heartbeat) as claims:
        for phase in step.phases:
            PhaseRun(step, phase, pool, claims, options, progress).run()
            _check_barrier(step, phase, options)
            progress.phase_finished(step, phase)


def _check_barrier(step: Step, phase: Phase, options: EngineOptions) -> None:
    left = state.missing(phase, state.read_markers(step, phase))
    if not left:
        return
    if state.finished(step):
        raise FinishedElsewhere
    if options.slice is None:
        raise StepFailed(f"{step.name}: markers of phase {phase.name} disappeared: {_some(left)}")
    share, shares = options.slice
    label = step.name if step.name == step.kind else f"{step.kind} {step.name}"
    raise NotReady(
        f"{label}: slice {share}/{shares} has done its share of phase {phase.name}; "
        f"{len(left)} of {len(phase.items)} items of other slices are missing: {_some(left)}"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


class PhaseRun:
    """One phase on a pool: hands items to idle workers and decides what follows from each outcome."""

    def __init__(
        self, step: Step, phase: Phase, pool: Pool, claims: Claims, options: EngineOptions, progress: Progress
    ) -> None:
        self._step, self._phase, self._pool, self._claims, self._progress = step, phase, pool, claims, progress
        self._retries = options.retries
        self._poll = options.heartbeat / 4
        self._work = pickle.dumps(phase.work)
        self._queue = self._pending(options)
        self._elsewhere: deque[Job] = deque()
        self._busy: dict[Worker, Job] = {}
        self._looked = 0.0

    def _pending(self, options: EngineOptions) -> deque[Job]:
        markers = state.read_markers(self._step, self._phase)
        items = self._phase.items
        done = [item for item in items if item.name in markers]
        self._progress.phase_started(
            self._step,
            self._phase,
            len(items),
            len(done),
            sum(item.size for item in items),
            sum(item.size for item in done),
        )
        pending = [item for item in options.share(items) if item.name not in markers]
        pending.sort(key=lambda item: -item.size)
        return deque(Job(self._step, self._phase, item, self._retries) for item in pending)

    def run(self) -> None:
        """Run until every item of this process's share has its marker.

        Raises:
            FinishedElsewhere: another process finished the whole step.
            CorpuskitError: an item failed.
        """
        self._pool.grow(len(self._queue))
        try:
            while self._queue or self._elsewhere or self._busy:
                self._look_elsewhere()
                self._assign()
                for event in self._pool.listen(self._poll):
                    self._settle(event)
        finally:
            self._pool.interrupt()

    def _assign(self) -> None:
        for worker in self._pool.idle():
            if (job := self._next()) is None:
                return
            self._busy[worker] = job
            worker.ask(Request(self._phase.name, self._work, job.attempt))

    def _next(self) -> Job | None:
        """Return a job whose claim this process holds and whose item still has no marker."""
        while self._queue:
            job = self._queue.popleft()
            if not self._claims.take(self._claim(job)):
                self._elsewhere.append(job)
            elif not self._has_marker(job):
                return job
        return None

    def _claim(self, job: Job) -> str:
        return claim_path(self._step.folder, self._phase.name, job.item.name)

    def _has_marker(self, job: Job) -> bool:
        """Report and release an item that has its marker.

        Asked once more after a claim is taken: its last holder may just have finished the item, or the whole step.
        """
        fingerprint = self._step.identity.fingerprint
        marker = manifest.read_marker(self._step.folder, self._phase.name, job.item.name, fingerprint)
        if marker is None:
            if state.finished(self._step):
                raise FinishedElsewhere
            return False
        self._claims.release([self._claim(job)])
        self._progress.item_finished(self._step, self._phase, job.item, marker)
        return True

    def _look_elsewhere(self) -> None:
        """When there is nothing else to do, see what became of the items that other processes hold."""
        if self._queue or not self._elsewhere or time.monotonic() - self._looked < self._poll:
            return
        self._looked = time.monotonic()
        self._queue.extend(job for job in self._elsewhere if not self._has_marker(job))
        self._elsewhere.clear()

    def _settle(self, event: Event) -> None:
        job = self._busy.pop(event.worker)
        poison = job.poison
        if event.death:
            self._progress.worker_died(self._step, self._phase, job.item, event.death)
            job.died(event.death, event.worker.log)
        elif event.failure:
            job.raised(event.failure, event.worker.log)
        elif job.survived():
            self._finish(job)
            return
        if job.poison != poison:
            records = ", ".join(map(str, job.poison))
            self._progress.note(f"{self._phase.name}: records of {job.item.name} that kill their worker: {records}")
        self._queue.appendleft(job)

    def _finish(self, job: Job) -> None:
        if not self._has_marker(job):
            raise StepFailed(f"{self._step.name}: the marker of {job.item.name} disappeared from {self._step.folder}")
