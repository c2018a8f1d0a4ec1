"""A search for duplicates that is killed in any phase goes on where it was, also with other memory."""

import itertools
from pathlib import Path

import pytest
import yaml
from engine_harness import Recorder, snapshot
from near_copies import chain, made, near, recipe, text, write
from pipelines_harness import leftovers, run_plainly
from test_pipelines_kill import finish, kill_when, start

from corpuskit.recipe import Recipe
from corpuskit.workflow.flow import Flow
from pipelines.engine import Engine, EngineOptions

PHASES = ("scatter", "match", "attach", "verify", "cluster", "gather", "describe", "write")
TEXTS = [*chain(20), *(text(seed) for seed in range(8)), *(near(seed) for seed in range(5)), "", "", "a b", "A, b"]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A recipe whose search has all phases, several splits, clusters that are split, and a reference."""
    folder = tmp_path_factory.mktemp("killed")
    april = made(folder / "april", [near(6), text(7)], "a")
    return recipe(
        [write(folder / "in.jsonl", TEXTS)], heldout=0.2, max_cluster=5, verify="exact", against={"april": april.out}
    )


@pytest.fixture(scope="module")
def expected(chosen: Recipe, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return snapshot(Path(run_plainly(chosen, tmp_path_factory.mktemp("reference") / "out").out))


class Crash(BaseException):
    pass


class Crasher(Recorder):
    """Ends the process, so to speak, after the first and the second item of each phase of the search."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}

    def item_finished(self, step, phase, item, marker) -> None:  # type: ignore[no-untyped-def]
        if step.kind == "duplicates":
            count = self.seen[phase.name] = self.seen.get(phase.name, 0) + 1
            if count <= 2:
                raise Crash


@pytest.mark.parametrize("memories", [[10**9], [10**9, 30_000, 8_000]], ids=["same memory", "other memory"])
def test_a_search_goes_on_where_it_was(
    tmp_path: Path, chosen: Recipe, expected: dict[str, bytes], memories: list[int]
) -> None:
    crasher = Crasher()
    for memory in itertools.islice(itertools.cycle(memories), 80):
        with Engine(EngineOptions(workers=0), crasher) as engine:
            try:
                Flow(chosen, str(tmp_path), memory).prepare(engine)
                break
            except Crash:
                continue
    assert {name.split("-")[0] for name in crasher.seen} == set(PHASES)
    counts = {int(name.split("-")[1]) for name in crasher.seen if name.startswith("match-")}
    assert len(counts) == len(memories)
    assert snapshot(tmp_path) == expected
    assert leftovers(tmp_path) == []


@pytest.mark.slow
def test_a_search_killed_in_each_phase_goes_on_where_it_was(
    tmp_path: Path, chosen: Recipe, expected: dict[str, bytes]
) -> None:
    file, out = tmp_path / "recipe.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(chosen.plain()))
    for phase in PHASES:
        moment = f"duplicates-*/markers/{phase}*/*"
        kill_when(start(file, out), lambda moment=moment: any(out.glob(moment)))
    finish(file, out)
    assert snapshot(out) == expected
