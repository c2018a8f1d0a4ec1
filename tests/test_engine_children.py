"""Work that starts processes of its own runs in workers, and nothing outlives a parent that is killed."""

import os

import pytest
from engine_harness import SPAWN, children, is_running, wait_for

from pipelines.engine import Engine, EngineOptions

pytest.importorskip("torch")


def test_a_worker_may_train_with_loader_processes(tmp_path):
    from engine_loaders import one_item, train_with_loaders

    with Engine(EngineOptions(workers=1)) as engine:
        assert engine.run(one_item(tmp_path, train_with_loaders)).rows > 0


def test_a_killed_parent_takes_workers_and_their_children_with_it(tmp_path):
    from engine_loaders import run_waiting

    process = SPAWN.Process(target=run_waiting, args=(str(tmp_path),))
    process.start()
    noted = tmp_path / "child"
    wait_for(noted.exists)
    everyone = [*children(process.pid), int(noted.read_text())]
    assert len(everyone) == 2
    assert all(is_running(pid) for pid in everyone)
    os.kill(process.pid, 9)
    process.join()
    wait_for(lambda: not any(is_running(pid) for pid in everyone), seconds=10)
