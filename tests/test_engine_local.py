"""The local engine: same files whatever happens to workers, resuming, errors, plans."""

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from engine_harness import Recorder, alone, children, count_runs, expected_totals, is_running, snapshot, wait_for
from engine_toys import toy_step

from corpuskit import manifest
from corpuskit.errors import ArtifactError, RecipeError, StepFailed
from corpuskit.manifest import Identity
from pipelines.engine import Engine, EngineOptions, Item, Phase, Step, plan, status


@pytest.fixture(scope="module")
def recorder():
    return Recorder()


@pytest.fixture(scope="module")
def shared_engine(recorder):
    with Engine(EngineOptions(workers=2, heartbeat=0.2), recorder) as engine:
        yield engine


@pytest.fixture
def engine(shared_engine, recorder):
    recorder.events.clear()
    return shared_engine


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The files of a toy step that ran in this process."""
    folder = tmp_path_factory.mktemp("reference")
    with Engine(EngineOptions(workers=0)) as engine:
        engine.run(toy_step(folder))
    return snapshot(folder)


def test_reference_is_right_and_tidy(reference):
    assert {name: data for name, data in reference.items() if name.startswith("totals")} == expected_totals()
    assert {name.split("/")[0] for name in reference} == {"totals", "errors", "manifest.json"}


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same_files(tmp_path, reference, workers):
    with Engine(EngineOptions(workers=workers)) as engine:
        engine.run(toy_step(tmp_path))
        pids = children(os.getpid())
        assert len(pids) >= workers
    assert snapshot(tmp_path) == reference


def test_progress_tells_the_whole_story(engine, recorder, tmp_path, reference):
    made = engine.run(toy_step(tmp_path / "out"))
    assert snapshot(tmp_path / "out") == reference
    assert made == manifest.read(str(tmp_path / "out"), "toy")
    assert made.rows == 4
    assert recorder.of("started") == [("started", "square", 8, 0, 144, 0), ("started", "total", 4, 0, 0, 0)]
    assert [event[1] for event in recorder.of("finished")] == ["square", "total"]
    assert sorted(event[2] for event in recorder.of("item") if event[1] == "square") == [f"{i:03d}" for i in range(8)]


def test_the_largest_item_starts_first(tmp_path):
    runs = tmp_path / "runs"
    with Engine(EngineOptions(workers=1)) as engine:
        engine.run(toy_step(tmp_path / "out", runs=str(runs)))
    assert runs.read_text().splitlines()[:8] == [f"square {number:03d}" for number in reversed(range(8))]


def test_a_finished_step_returns_at_once(engine, recorder, tmp_path):
    runs = tmp_path / "runs"
    first = engine.run(toy_step(tmp_path / "out", runs=str(runs)))
    recorder.events.clear()
    assert engine.run(toy_step(tmp_path / "out", runs=str(runs))) == first
    assert set(count_runs(runs).values()) == {1}
    assert [event[0] for event in recorder.events] == ["skipped"]


def test_a_failed_run_resumes_with_the_items_that_are_missing(engine, tmp_path, reference):
    runs, out = tmp_path / "runs", tmp_path / "out"
    with pytest.raises(StepFailed) as failed:
        engine.run(toy_step(out, runs=str(runs), raise_always="000"))
    message = str(failed.value)
    assert "toy: item 000 of phase square raised 2 times" in message
    assert "ValueError: item 000 does not like its second half" in message
    assert Path(message.rsplit("log: ", 1)[1]).read_text().count("Traceback") >= 1
    assert str(plan(toy_step(out))) == "resume (7 of 12)"
    assert [(phase.done, phase.running, phase.dead) for phase in status(toy_step(out))] == [(7, 0, 0), (0, 0, 0)]
    assert not list(out.glob("claims/*/*"))
    assert not (out / "manifest.json").exists()

    engine.run(toy_step(out, runs=str(runs)))
    assert snapshot(out) == reference
    counts = count_runs(runs)
    assert counts.pop("square 000") == 3
    assert set(counts.values()) == {1}


def test_plan_and_status_before_and_after(engine, tmp_path):
    step = toy_step(tmp_path / "out")
    assert str(plan(step)) == "run"
    engine.run(step)
    assert str(plan(step)) == "skip"
    assert [(phase.phase, phase.done, phase.total) for phase in status(step)] == [("square", 8, 8), ("total", 4, 4)]


def test_an_exception_is_tried_again_once(engine, tmp_path, reference):
    engine.run(toy_step(tmp_path / "out", raise_once="003"))
    assert snapshot(tmp_path / "out") == reference


@pytest.mark.parametrize("workers", [0, 2])
def test_a_user_error_comes_through_as_it_is(engine, tmp_path, workers):
    chosen = engine if workers else Engine(EngineOptions(workers=0))
    with pytest.raises(RecipeError) as refused:
        chosen.run(toy_step(tmp_path, refuse="002"))
    assert str(refused.value) == "sources[0].path: no such file"
    assert refused.value.path == "sources[0].path"


def test_a_worker_that_is_killed_once_changes_nothing(engine, recorder, tmp_path, reference):
    engine.run(toy_step(tmp_path / "out", die_once="004"))
    assert snapshot(tmp_path / "out") == reference
    assert recorder.of("died") == [("died", "004", "killed by SIGKILL (out of memory?)")]


def test_a_worker_killed_from_outside_changes_nothing(tmp_path, reference):
    class Killer(Recorder):
        def item_finished(self, *event):
            super().item_finished(*event)
            if len(self.of("item")) in (1, 9):
                os.kill(children(os.getpid())[0], signal.SIGKILL)

    with Engine(EngineOptions(workers=2), killer := Killer()) as engine:
        engine.run(toy_step(tmp_path, delay=0.02))
    assert snapshot(tmp_path) == reference
    assert len(killer.of("item")) == 12


def test_an_item_that_always_kills_fails_when_its_phase_does_not_bisect(engine, tmp_path):
    with pytest.raises(StepFailed, match=r"item 001 of phase square killed its worker 2 times \(killed by SIGKILL"):
        engine.run(toy_step(tmp_path, die_always="001", bisects=False))


def test_two_deadly_records_among_a_hundred_end_in_errors(engine, recorder, tmp_path):
    engine.run(toy_step(tmp_path, items=2, length=100, deadly=[("001", 37), ("001", 90)]))
    assert (tmp_path / "errors/001.txt").read_text() == "001 37\n001 90\n"
    assert (tmp_path / "errors/000.txt").read_text() == ""
    (note,) = recorder.of("note")
    assert note[1].endswith("37, 90")
    assert {event[1:] for event in recorder.of("died")} == {("001", "exit code 9")}


def test_engine_works_on_after_a_failure(engine, tmp_path, reference):
    with pytest.raises(StepFailed):
        engine.run(toy_step(tmp_path / "bad", raise_always="000"))
    engine.run(toy_step(tmp_path / "good"))
    assert snapshot(tmp_path / "good") == reference


def test_markers_and_manifests_of_another_fingerprint_count_as_absent(engine, tmp_path, reference):
    out = tmp_path / "out"
    other = dataclasses.replace(toy_step(out), identity=Identity(step="toy", revision=0, config={}, inputs={}))
    engine.run(other)
    assert snapshot(out) != reference
    engine.run(toy_step(out))
    assert snapshot(out) == reference


def test_a_manifest_of_another_format_is_refused(engine, tmp_path):
    (tmp_path / "manifest.json").write_text('{"format_version": 99}')
    with pytest.raises(ArtifactError, match="format version 99"):
        engine.run(toy_step(tmp_path))


def test_verify_makes_damaged_work_again(tmp_path, reference):
    runs = tmp_path / "runs"
    with Engine(EngineOptions(workers=0, verify=True), recorder := Recorder()) as engine:
        with pytest.raises(StepFailed):
            engine.run(toy_step(tmp_path / "out", runs=str(runs), raise_always="000"))
        (tmp_path / "out/exchange/005.txt").write_text("0\n0\n0\n0\n")
        engine.run(toy_step(tmp_path / "out", runs=str(runs)))
        assert snapshot(tmp_path / "out") == reference
        assert {run for run, count in count_runs(runs).items() if count == 2} == {"square 005"}
        (tmp_path / "out/totals/001.txt").write_text("0\n")
        engine.run(toy_step(tmp_path / "out"))
    assert snapshot(tmp_path / "out") == reference
    assert len(recorder.of("note")) == 2


def test_a_step_without_items_has_a_manifest(engine, tmp_path):
    step = dataclasses.replace(toy_step(tmp_path), phases=(Phase(name="empty", items=(), work=str),))
    assert engine.run(step).rows == 0


def test_a_work_function_that_workers_cannot_import_is_a_clear_failure(engine, tmp_path):
    def work(attempt):
        raise AssertionError

    step = Step(
        kind="toy",
        name="toy",
        folder=str(tmp_path),
        identity=Identity(step="toy", revision=1, config={}, inputs={}),
        phases=(Phase(name="local", items=(Item(name="0"),), work=work),),
    )
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        engine.run(step)


def test_each_worker_logs_to_a_file_of_its_own(tmp_path):
    with Engine(EngineOptions(workers=1, log_dir=str(tmp_path / "logs"))) as engine:
        engine.run(toy_step(tmp_path / "out", items=1))
    (log,) = (tmp_path / "logs").iterdir()
    assert "square: item 000" in log.read_text()


@pytest.mark.parametrize("fails", [False, True])
def test_temporary_logs_are_kept_after_a_failure_only(tmp_path, monkeypatch, fails):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Engine(EngineOptions(workers=1)) as engine:
        if fails:
            with pytest.raises(StepFailed):
                engine.run(toy_step(tmp_path / "out", items=1, raise_always="000"))
        else:
            engine.run(toy_step(tmp_path / "out", items=1))
    assert len(list(tmp_path.glob("corpuskit-logs-*/*.log"))) == fails


def test_a_worker_that_cannot_start_says_so(tmp_path):
    program = "from engine_toys import *; Engine(EngineOptions(workers=1)).run(toy_step(Path('out')))"
    (tmp_path / "unguarded.py").write_text(program)
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    command = [sys.executable, "unguarded.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "a worker process ended while it started (exit code 1); a script that runs an engine" in done.stderr


def test_ctrl_c_ends_the_parent_promptly_and_leaves_workers_to_it(tmp_path):
    runs = tmp_path / "runs"
    with alone(tmp_path / "out", items=4, delay=0.3, runs=str(runs)) as process:
        wait_for(runs.exists)
        workers = children(process.pid)
        assert len(workers) == 2
        for pid in workers:
            os.kill(pid, signal.SIGINT)
        wait_for(lambda: len(count_runs(runs)) > 2)
        assert [pid for pid in workers if is_running(pid)] == workers
        os.kill(process.pid, signal.SIGINT)
        process.join(3)
        assert process.exitcode == 1
        assert not any(is_running(pid) for pid in workers)
    assert not list((tmp_path / "out").glob("claims/*/*"))
    assert str(plan(toy_step(tmp_path / "out", items=4))).startswith("resume")
