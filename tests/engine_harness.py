"""What the engine's tests share: snapshots of folders, engines, and processes to kill."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine_toys import LENGTH, run_alone

from corpuskit.manifest import Manifest, Marker
from pipelines.engine import Item, Phase, Step

SPAWN = multiprocessing.get_context("spawn")


class Recorder:
    """A `Progress` that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple] = []

    def phase_started(self, step, phase, items_total, items_done, bytes_total, bytes_done) -> None:
        self.events.append(("started", phase.name, items_total, items_done, bytes_total, bytes_done))

    def item_finished(self, step: Step, phase: Phase, item: Item, marker: Marker) -> None:
        assert marker.item == item.name
        self.events.append(("item", phase.name, item.name))

    def phase_finished(self, step: Step, phase: Phase) -> None:
        self.events.append(("finished", phase.name))

    def step_finished(self, step: Step, made: Manifest, skipped: bool) -> None:
        assert made.fingerprint == step.identity.fingerprint
        self.events.append(("skipped" if skipped else "made", step.name))

    def worker_died(self, step: Step, phase: Phase, item: Item, reason: str) -> None:
        self.events.append(("died", item.name, reason))

    def note(self, text: str) -> None:
        self.events.append(("note", text))

    def of(self, kind: str) -> list[tuple]:
        return [event for event in self.events if event[0] == kind]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by relative path; a killed writer's hidden scratch files do not count."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def expected_totals(items: int = 8, length: int = LENGTH) -> dict[str, bytes]:
    """What a toy step's totals must be, by arithmetic."""
    return {
        f"totals/{line:03d}.txt": f"{sum((item * length + line) ** 2 for item in range(items))}\n".encode()
        for line in range(min(length, 4))
    }


def count_runs(runs: Path) -> dict[str, int]:
    lines = runs.read_text().splitlines() if runs.exists() else []
    return {line: lines.count(line) for line in lines}


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The worker processes of a parent (multiprocessing's resource tracker is not one)."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) if entry.name.isdigit() else 0
            if parent == pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


def is_running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@contextmanager
def alone(folder: Path, workers: int = 2, heartbeat: float = 0.2, **behaviour) -> Iterator[multiprocessing.Process]:
    """A process that runs a toy step with an engine of its own; killed at the end if it still runs."""
    process = SPAWN.Process(target=run_alone, args=(str(folder), workers, heartbeat, behaviour))
    process.start()
    try:
        yield process
    finally:
        for pid in [*children(process.pid), process.pid]:
            if is_running(pid):
                os.kill(pid, 9)
        process.join()
