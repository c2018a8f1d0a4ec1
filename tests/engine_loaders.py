"""A step whose work has child processes of its own, as data loaders do."""

import multiprocessing
import time
from pathlib import Path

from training_data import make_job

from corpuskit.manifest import Identity, Marker
from pipelines.engine import Attempt, Engine, EngineOptions, Item, Phase, Step
from pretrain.train import train


def one_item(folder: Path, work) -> Step:
    identity = Identity(step="loaders", revision=1, config={}, inputs={})
    phase = Phase(name="load", items=(Item(name="000"),), work=work)
    return Step(kind="toy", name="toy", folder=str(folder), identity=identity, phases=(phase,))


def train_with_loaders(attempt: Attempt) -> Marker:
    """Train with two loader processes."""
    record = train(make_job(Path(attempt.folder), budget_bytes=2000, loader_workers=2))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=record.steps)


def wait_with_a_child(attempt: Attempt) -> Marker:
    """Start a child that nothing but its parent would end, note its number, and wait for ever."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True)
    child.start()
    scratch = Path(attempt.folder, "scratch")
    scratch.write_text(str(child.pid))
    scratch.rename(Path(attempt.folder, "child"))
    time.sleep(600)
    raise AssertionError


def run_waiting(folder: str) -> None:
    """Run the waiting step with an engine of its own: what a test starts in order to kill it."""
    with Engine(EngineOptions(workers=1)) as engine:
        engine.run(one_item(Path(folder), wait_with_a_child))
