"""The cluster form: the same files from any Beam runner, even a hostile one."""

import pytest
from engine_harness import Recorder, count_runs, snapshot
from engine_toys import toy_step
from hostile import hostile_options

from corpuskit.errors import InputError, RecipeError, StepFailed
from pipelines.engine import Engine, EngineOptions, cluster, plan

FN_API = EngineOptions(runner="FnApiRunner", heartbeat=0.1)
EMBEDDED = EngineOptions(
    runner="PortableRunner",
    runner_options=("--job_endpoint=embed", "--environment_type=beam:env:embedded_python:v1"),  # its default is Docker
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    with Engine(EngineOptions(workers=0)) as engine:
        engine.run(toy_step(folder))
    return snapshot(folder)


@pytest.mark.parametrize("options", [FN_API, EMBEDDED], ids=lambda options: options.runner)
def test_any_runner_gives_the_same_files_and_reports_every_item(tmp_path, reference, options):
    with Engine(options, recorder := Recorder()) as engine:
        engine.run(toy_step(tmp_path))
    assert snapshot(tmp_path) == reference
    assert [event[1] for event in recorder.of("item")] == ["square"] * 8 + ["total"] * 4
    assert [event[1] for event in recorder.of("finished")] == ["square", "total"]


def test_a_hostile_runner_gives_the_same_files(tmp_path, reference):
    runs = tmp_path / "runs"
    with Engine(hostile_options()) as engine:
        engine.run(toy_step(tmp_path / "out", runs=str(runs)))
    assert snapshot(tmp_path / "out") == reference
    counts = count_runs(runs)
    assert min(counts.values()) >= 2, "every item ran at least twice"
    assert sum(counts.values()) == 2 * 12 + 2, "and two more in the process that was killed"


def test_only_missing_items_enter_the_pipeline(tmp_path, reference):
    runs, out = tmp_path / "runs", tmp_path / "out"
    with Engine(EngineOptions(workers=0)) as engine, pytest.raises(StepFailed):
        engine.run(toy_step(out, runs=str(runs), raise_always="002"))
    assert plan(toy_step(out)).done == 5
    with Engine(FN_API) as engine:
        engine.run(toy_step(out, runs=str(runs)))
    assert snapshot(out) == reference
    assert {run for run, count in count_runs(runs).items() if count > 1} == {"square 002"}


def test_a_failure_names_step_runner_and_error(tmp_path):
    with Engine(FN_API) as engine, pytest.raises(StepFailed, match="toy on FnApiRunner: item 002 does not like"):
        engine.run(toy_step(tmp_path, raise_always="002"))


def test_a_barrier_refuses_a_runner_that_loses_data():
    with pytest.raises(RuntimeError, match="this runner loses data"):
        list(cluster.emit(("square", 7), [], ("square", 8)))


def test_unknown_runners_are_refused_by_name(tmp_path):
    with Engine(EngineOptions(runner="flonk")) as engine, pytest.raises(InputError, match="--runner flonk"):
        engine.run(toy_step(tmp_path))
    with pytest.raises(RecipeError, match="name FnApiRunner instead"):
        EngineOptions(runner="direct")
