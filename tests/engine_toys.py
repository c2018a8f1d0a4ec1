"""Toy steps for the engine's tests: two phases over numbers, with records and items that misbehave on demand.

square     item i: the squares of numbers [start, stop), one line each, to exchange/<item>.txt; bisects
total      item k: the sum of the k-th line of every exchange file, to totals/<item>.txt
"""

import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from corpuskit import storage
from corpuskit.errors import RecipeError
from corpuskit.manifest import Identity, Marker, file_entry
from pipelines.engine import Attempt, Engine, EngineOptions, Item, Phase, Step

LENGTH = 4
"""Numbers in an ordinary item."""


def toy_step(folder: Path, items: int = 8, length: int = LENGTH, **behaviour: Any) -> Step:
    """A step whose output depends on `items` and `length` only; see `misbehave` for `behaviour`."""
    names = [f"{index:03d}" for index in range(items)]
    squares = [
        Item(name=name, payload={"start": index * length}, size=length * (index + 1), records=length)
        for index, name in enumerate(names)
    ]
    totals = [Item(name=f"{index:03d}", payload={"line": index, "of": names}) for index in range(min(length, 4))]
    # a script that runs as __main__ must give workers a module they can import
    return Step(
        kind="toy",
        name="toy",
        folder=str(folder),
        identity=Identity(step="toy", revision=1, config={"items": items, "length": length}, inputs={}),
        phases=(
            Phase(
                name="square",
                items=tuple(squares),
                work=partial(square, length=length, behaviour=behaviour),
                bisects=behaviour.get("bisects", True),
            ),
            Phase(name="total", items=tuple(totals), work=partial(total, runs=behaviour.get("runs"))),
        ),
        scratch=("exchange",),
    )


def square(attempt: Attempt, length: int, behaviour: dict[str, Any]) -> Marker:
    note_run(behaviour.get("runs"), f"square {attempt.item.name}")
    start, stop = attempt.only or (0, length)
    for record in range(start, min(stop, length)):
        if record not in attempt.poison:
            misbehave(attempt, record, **behaviour)
    if attempt.only:
        return marker_of(attempt, [])
    first = attempt.item.payload["start"]
    kept = [record for record in range(length) if record not in attempt.poison]
    write(attempt, "exchange", [str((first + record) ** 2) for record in kept])
    write(attempt, "errors", [f"{attempt.item.name} {record}" for record in attempt.poison])
    return marker_of(attempt, ["exchange", "errors"], rows=len(kept), errors=len(attempt.poison))


def misbehave(
    attempt: Attempt,
    record: int,
    *,
    deadly: Sequence[tuple[str, int]] = (),
    die_once: str = "",
    die_always: str = "",
    raise_once: str = "",
    raise_always: str = "",
    refuse: str = "",
    delay: float = 0.0,
    runs: str | None = None,
    bisects: bool = True,
) -> None:
    """Do what is asked of one record: die (always, or the first time), raise, or take long."""
    name = attempt.item.name
    time.sleep(delay)
    if (name, record) in deadly:
        os._exit(9)
    if record != LENGTH // 2:
        return
    if name == die_always or (name == die_once and is_first(attempt)):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == raise_always or (name == raise_once and is_first(attempt)):
        raise ValueError(f"item {name} does not like its second half")
    if name == refuse:
        raise RecipeError("sources[0].path", "no such file")


def is_first(attempt: Attempt) -> bool:
    """Whether this is the first time that anyone asks for this item; kept beside the artifact."""
    flag = f"{attempt.folder}.{attempt.item.name}.once"
    return storage.claim(flag, b"")


def total(attempt: Attempt, runs: str | None) -> Marker:
    note_run(runs, f"total {attempt.item.name}")
    line, names = attempt.item.payload["line"], attempt.item.payload["of"]
    files = [Path(attempt.folder, "exchange", f"{name}.txt").read_text().splitlines() for name in names]
    write(attempt, "totals", [str(sum(int(numbers[line]) for numbers in files if line < len(numbers)))])
    return marker_of(attempt, ["totals"], rows=1)


def write(attempt: Attempt, subfolder: str, lines: list[str]) -> None:
    path = storage.join(attempt.folder, subfolder, f"{attempt.item.name}.txt")
    storage.commit(path, "".join(f"{line}\n" for line in lines).encode())


def marker_of(attempt: Attempt, subfolders: list[str], rows: int = 0, errors: int = 0) -> Marker:
    paths = [f"{subfolder}/{attempt.item.name}.txt" for subfolder in subfolders]
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=rows,
        errors=errors,
        counts={"items": 1},
        files={path: file_entry(storage.join(attempt.folder, path)) for path in paths},
    )


def note_run(runs: str | None, line: str) -> None:
    """Append a line to a file that lies outside of the artifact, so that tests can count runs."""
    if runs:
        with open(runs, "a") as file:
            file.write(f"{line}\n")


def run_alone(folder: str, workers: int, heartbeat: float, behaviour: dict[str, Any]) -> None:
    """Run a toy step in a process of its own: what tests start in order to kill it, or twice at once."""
    with Engine(EngineOptions(workers=workers, heartbeat=heartbeat)) as engine:
        engine.run(toy_step(Path(folder), **behaviour))
