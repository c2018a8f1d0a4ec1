"""What `--memory` leaves each worker, and that it reaches the steps and changes nothing else."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_harness import call
from near_copies import chain, near, text, write
from pipelines_harness import snapshot

from corpuskit.errors import RecipeError
from corpuskit.workflow import comparing
from pipelines import dedup
from pipelines.engine import worker_memory
from pipelines.engine.options import LEAST_BYTES, MEMORY, OWN_BYTES


@pytest.mark.parametrize(
    ("total", "workers", "runner", "each"),
    [
        (4 * 10**9, 0, "local", 4 * 10**9 - OWN_BYTES),
        (4 * 10**9, 1, "local", 4 * 10**9 - 2 * OWN_BYTES),
        (4 * 10**9, 4, "local", (4 * 10**9 - 5 * OWN_BYTES) // 4),
        (None, 4, "local", (MEMORY - 5 * OWN_BYTES) // 4),
        (None, 64, "local", LEAST_BYTES),
        (2 * 10**9, 64, "flink", 2 * 10**9 - OWN_BYTES),
    ],
)
def test_workers_share_what_processes_leave(total: int | None, workers: int, runner: str, each: int) -> None:
    assert worker_memory(total, workers, runner) == each


@pytest.mark.parametrize("workers", [0, 1, 2, 64])
def test_too_little_is_refused_with_what_is_needed(workers: int) -> None:
    needed = (workers + 1) * OWN_BYTES + max(workers, 1) * LEAST_BYTES
    assert worker_memory(needed, workers) == LEAST_BYTES
    with pytest.raises(RecipeError, match=f"--memory: .* need.? {needed / 10**6:,.0f} MB or more"):
        worker_memory(needed - 1, workers)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The memory that searches for duplicates were planned with."""
    found: list[int] = []
    step = dedup.step

    def planned(*arguments: Any, memory: int, **options: Any) -> Any:
        found.append(memory)
        return step(*arguments, memory=memory, **options)

    monkeypatch.setattr(dedup, "step", planned)
    return found


def test_the_option_reaches_the_search_and_changes_no_file(tmp_path: Path, seen: list[int]) -> None:
    path = write(tmp_path / "in.jsonl", [*chain(8), *(text(seed) for seed in range(4)), near(2)])
    for number, memory in enumerate(["500MB", "2 GB", str(10**9)]):
        ended = call("dedup", path, "--out", tmp_path / str(number), "--workers", 0, "--memory", memory)
        assert ended.code == 0, ended.err
    assert seen == [size - OWN_BYTES for size in (5 * 10**8, 2 * 10**9, 10**9)]
    assert snapshot(tmp_path / "0") == snapshot(tmp_path / "1") == snapshot(tmp_path / "2")


def test_every_command_that_searches_takes_it(tmp_path: Path, seen: list[int]) -> None:
    path = write(tmp_path / "in.jsonl", [text(1), text(2), near(1)])
    recipe = {"name": "r", "sources": [{"name": "s", "paths": [str(path)]}]}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    options = ["--workers", 0, "--memory", "700MB", "--out"]
    lines = [
        ["run", tmp_path / "recipe.yaml", *options, tmp_path / "run"],
        ["run", tmp_path / "recipe.yaml", "--sample", "90%", *options, tmp_path / "sample"],
        ["select", path, "--policy", "none", "--deduplicate", *options, tmp_path / "select"],
    ]
    for line in lines:
        ended = call(*line)
        assert ended.code == 0, ended.err
    assert seen == [7 * 10**8 - OWN_BYTES] * 3


@pytest.mark.parametrize("command", [["compare"], ["pretrain"], ["pretrain", "--jobs", "jobs"]], ids=" ".join)
def test_commands_that_train_pass_it_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """What they call is told apart by its last argument."""
    pytest.importorskip("torch")
    given: list[int] = []

    def stop(*arguments: Any) -> Any:
        given.append(arguments[-1])
        raise RecipeError("stopped", "here")

    for name in ("compare", "train_all", "write_jobs"):
        monkeypatch.setattr(comparing, name, stop)
    monkeypatch.setattr("corpuskit.workflow.extras.require_comparison", SimpleNamespace)
    path = write(tmp_path / "in.jsonl", [text(1)])
    (tmp_path / "recipe.yaml").write_text(json.dumps({"name": "r", "sources": [{"name": "s", "paths": [str(path)]}]}))
    name, *more = command
    ended = call(name, tmp_path / "recipe.yaml", *more, "--workers", 0, "--memory", "1GB", "--out", tmp_path / "out")
    assert "stopped: here" in ended.err
    assert given == [10**9 - OWN_BYTES]
