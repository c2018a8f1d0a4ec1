"""Runs a step to its manifest: skip or resume, phases with barriers, the manifest last."""

import shutil
import tempfile
from collections.abc import Mapping

from corpuskit import manifest, storage
from corpuskit.errors import CorpuskitError, StepFailed
from corpuskit.manifest import Manifest, Marker
from pipelines.engine import local, state
from pipelines.engine.options import LOCAL, EngineOptions
from pipelines.engine.phase import Step
from pipelines.engine.pool import InlinePool, Pool, ProcessPool
from pipelines.engine.progress import Progress, Silent


class Engine:
    """Runs steps; a context manager that keeps its worker processes between them.

        with Engine(EngineOptions(workers=4), progress) as engine:
            documents = engine.run(ingest_step)
            signals = engine.run(annotate_step(documents))

    One thread at a time may use it.
    """

    def __init__(self, options: EngineOptions | None = None, progress: Progress | None = None) -> None:
        self.options = options or EngineOptions()
        self._progress = progress or Silent()
        self._own_logs: str | None = None
        self._pool = self._make_pool()

    def _make_pool(self) -> Pool:
        if self.options.workers == 0 or self.options.runner != LOCAL:
            return InlinePool()
        logs = self.options.log_dir
        if logs is None:
            logs = self._own_logs = tempfile.mkdtemp(prefix="corpuskit-logs-")
        return ProcessPool(self.options.workers, logs)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()
        if self._own_logs is not None:
            shutil.rmtree(self._own_logs, ignore_errors=True)

    def run(self, step: Step) -> Manifest:
        """Bring a step to its manifest and return it; a finished step returns at once.

        Only items without a valid marker run. Exchange files, markers and claims are removed after the manifest is
        committed.

        Raises:
            NotReady: `slice` is set and items of other slices are missing.
            StepFailed: an item raised, or killed its worker, again and again.
            CorpuskitError: an item raised it; an error that the user caused.
        """
        if self.options.verify:
            self._discard_damaged(step)
        if done := state.finished(step):
            _clean(step)  # the process that wrote it may have died before it cleaned up
            self._progress.step_finished(step, done, skipped=True)
            return done
        storage.make_folder(step.folder)
        storage.remove(storage.join(step.folder, manifest.NAME))  # one of another fingerprint: unfinished from here on
        try:
            self._run_phases(step)
            made = _finish(step)
        except (CorpuskitError, local.FinishedElsewhere) as error:
            # whoever shares the folder may have finished it, and removed files that this process was reading
            done = state.finished(step)
            if done is None:
                if isinstance(error, StepFailed):
                    self._own_logs = None  # the message names one: they are the user's from now on
                raise
            made = done
        _clean(step)
        self._progress.step_finished(step, made, skipped=False)
        return made

    def _run_phases(self, step: Step) -> None:
        if self.options.runner == LOCAL:
            local.run_step(step, self._pool, self.options, self._progress)
            return
        from pipelines.engine import cluster

        cluster.run_step(step, self.options, self._progress)

    def _discard_damaged(self, step: Step) -> None:
        """Remove the manifest, or the markers, whose files do not match their checksums: they will be made again."""
        done = state.finished(step)
        if done is not None:
            if not state.is_intact(step.folder, done.files):
                self._progress.note(f"{step.folder} does not match its checksums and is made again")
                storage.remove(storage.join(step.folder, manifest.NAME))
            return
        for phase in step.phases:
            for name, marker in state.read_markers(step, phase).items():
                if not state.is_intact(step.folder, marker.files):
                    self._progress.note(f"{phase.name}: item {name} does not match its checksums and is made again")
                    storage.remove(manifest.marker_path(step.folder, phase.name, name))


def _finish(step: Step) -> Manifest:
    """Merge the markers of all phases into the manifest and commit it."""
    markers: dict[str, list[Marker]] = {}
    for phase in step.phases:
        found = state.read_markers(step, phase)
        if left := state.missing(phase, found):
            raise StepFailed(f"{step.name}: no marker of phase {phase.name} for {', '.join(left)}")
        markers[phase.name] = list(found.values())
    made = (step.finish or _merge_last_phase)(step, markers)
    assert made.fingerprint == step.identity.fingerprint, f"{step.name}: the manifest has another fingerprint"
    manifest.write(step.folder, made)
    return made


def _merge_last_phase(step: Step, markers: Mapping[str, list[Marker]]) -> Manifest:
    return step.manifest(markers[step.phases[-1].name] if step.phases else [])


def _clean(step: Step) -> None:
    for name in (*step.scratch, "markers", "claims"):
        storage.remove(storage.join(step.folder, name))
