"""Several processes on one folder: claims, kills, slices."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from engine_harness import alone, children, count_runs, expected_totals, is_running, snapshot, wait_for
from engine_toys import toy_step

from corpuskit.errors import NotReady
from pipelines.engine import Engine, EngineOptions, plan, status
from pipelines.engine.claims import MISSED, Claims, claim_path, is_stale


@pytest.fixture(scope="module")
def inline():
    with Engine(EngineOptions(workers=0, heartbeat=0.2)) as engine:
        yield engine


@pytest.fixture(scope="module")
def reference(tmp_path_factory, inline):
    folder = tmp_path_factory.mktemp("reference")
    inline.run(toy_step(folder))
    return snapshot(folder)


def write_claim(path, *, host=None, pid=None, heartbeat=10.0, age=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = {"host": host or socket.gethostname(), "pid": pid or os.getpid(), "token": "x", "heartbeat": heartbeat}
    path.write_text(json.dumps(holder))
    os.utime(path, (time.time() - age, time.time() - age))
    return str(path)


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_claim_is_exclusive_until_it_is_released(tmp_path):
    path = str(tmp_path / "claims/phase/item")
    with Claims(10) as first, Claims(10) as second:
        assert first.take(path)
        assert first.take(path), "a retry of the same item holds the claim already"
        assert not second.take(path)
        second.release([path])
        assert not second.take(path)
        first.release([path])
        assert second.take(path)
    assert not Path(path).exists()


def test_which_claims_are_stale(tmp_path):
    assert is_stale(str(tmp_path / "absent"))
    assert not is_stale(write_claim(tmp_path / "mine"))
    assert is_stale(write_claim(tmp_path / "dead", pid=dead_pid()))
    assert not is_stale(write_claim(tmp_path / "far", host="elsewhere", pid=dead_pid()))
    assert not is_stale(write_claim(tmp_path / "late", host="elsewhere", age=10.0 * (MISSED - 1)))
    assert is_stale(write_claim(tmp_path / "silent", host="elsewhere", age=10.0 * MISSED + 1))
    (tmp_path / "torn").write_text("")
    assert not is_stale(str(tmp_path / "torn"))
    os.utime(tmp_path / "torn", (0, 0))
    assert is_stale(str(tmp_path / "torn"))


def test_heartbeat_keeps_a_claim_fresh_but_not_somebody_elses(tmp_path):
    mine, lost = str(tmp_path / "mine"), str(tmp_path / "lost")
    with Claims(0.05) as claims:
        assert claims.take(mine)
        assert claims.take(lost)
        write_claim(tmp_path / "lost", host="elsewhere", age=100)
        os.utime(mine, (0, 0))
        wait_for(lambda: Path(mine).stat().st_mtime > 1, 5)
        assert is_stale(lost)
    assert Path(lost).exists()
    assert not Path(mine).exists()


def test_stale_claims_are_taken_over_and_shown_as_dead(tmp_path, inline, reference):
    step = toy_step(tmp_path)
    write_claim(tmp_path / "claims/square/003", pid=dead_pid())
    write_claim(tmp_path / "claims/square/004", host="elsewhere", heartbeat=0.1, age=1)
    write_claim(tmp_path / "claims/square/005")
    square, _ = status(step)
    assert (square.done, square.running, square.dead, square.total) == (0, 1, 2, 8)
    Path(claim_path(str(tmp_path), "square", "005")).unlink()
    inline.run(step)
    assert snapshot(tmp_path) == reference


def test_an_item_held_elsewhere_is_waited_for_until_its_holder_falls_silent(tmp_path, inline, reference):
    write_claim(tmp_path / "claims/square/003", host="elsewhere", heartbeat=0.3)
    started = time.monotonic()
    inline.run(toy_step(tmp_path))
    assert time.monotonic() - started >= 0.3 * MISSED
    assert snapshot(tmp_path) == reference


def test_sigkill_of_the_parent_leaves_no_worker_and_resumes_to_the_same_files(tmp_path, inline, reference):
    runs, out = tmp_path / "runs", tmp_path / "out"
    with alone(out, runs=str(runs), delay=0.1, heartbeat=30.0) as process:
        wait_for(lambda: sum(count_runs(runs).values()) >= 3)  # an item is done, and another one has begun
        workers = children(process.pid)
        assert len(workers) == 2
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        wait_for(lambda: not any(is_running(pid) for pid in workers), 5)
    before = plan(toy_step(out))
    assert before.action == "resume"
    assert status(toy_step(out))[0].dead >= 1
    lines = sum(count_runs(runs).values())
    inline.run(toy_step(out, runs=str(runs)))
    assert snapshot(out) == reference
    assert sum(count_runs(runs).values()) - lines == before.total - before.done


def test_two_parents_on_one_folder_share_the_work(tmp_path, reference):
    runs, out = tmp_path / "runs", tmp_path / "out"
    with alone(out, 1, runs=str(runs), delay=0.02) as one, alone(out, 1, runs=str(runs), delay=0.02) as other:
        one.join(60)
        other.join(60)
        assert (one.exitcode, other.exitcode) == (0, 0)
    assert snapshot(out) == reference
    assert set(count_runs(runs).values()) == {1}


def sliced(share, shares, step):
    with Engine(EngineOptions(workers=0, slice=(share, shares))) as engine:
        return engine.run(step)


def test_slices_say_what_is_missing_and_the_last_one_writes_the_manifest(tmp_path, reference):
    runs, out = tmp_path / "runs", tmp_path / "out"
    step = toy_step(out, runs=str(runs))
    with pytest.raises(
        NotReady, match=r"slice 1/2 .* phase square; 4 of 8 items .* missing: 001, 003, 005, 007"
    ) as wait:
        sliced(1, 2, step)
    assert wait.value.exit_code == 75
    with pytest.raises(NotReady, match="phase total; 2 of 4 items of other slices are missing: 000, 002"):
        sliced(2, 2, step)
    made = sliced(1, 2, step)
    assert snapshot(out) == reference
    assert sliced(2, 2, step) == made
    assert set(count_runs(runs).values()) == {1}
    assert {name: data for name, data in snapshot(out).items() if name.startswith("totals")} == expected_totals()


def test_more_slices_than_items(tmp_path, reference):
    step = toy_step(tmp_path)
    for share in (*range(1, 9), 1, 2, 3):
        with pytest.raises(NotReady):
            sliced(share, 11, step)
    sliced(4, 11, step)
    assert snapshot(tmp_path) == reference


def test_a_slice_without_items_waits_for_the_others(tmp_path):
    with pytest.raises(NotReady, match=r"8 of 8 items of other slices are missing: 000, .*, …"):
        sliced(11, 11, toy_step(tmp_path))
