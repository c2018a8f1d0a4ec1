"""A Beam runner that does what the worst cluster may do.

It runs the whole pipeline in three processes at the same time: one is killed in the middle of its second item, between
the item's files and its marker; one emits the items of every phase in reverse; and none of them knows what the others
have done, so every item runs at least twice, at once, while other processes read its files. A step whose work
functions are idempotent comes out as on any other runner.

Use it by name: `EngineOptions(runner="hostile.HostileRunner")`.
"""

import itertools
import multiprocessing
import os
import signal
import types
from collections.abc import Callable, Iterator

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState
from apache_beam.transforms.environments import EmbeddedPythonEnvironment

from pipelines.engine import Attempt, EngineOptions, cluster
from pipelines.engine.phase import Work

DEADLY_ITEM = 2
"""Which item, counted from 1, the first process dies in."""
SPAWN = multiprocessing.get_context("spawn")


def hostile_options() -> EngineOptions:
    """The engine options that run a step on this runner."""
    return EngineOptions(runner="hostile.HostileRunner")


class HostileRunner(PipelineRunner):
    """Runs a pipeline in processes that die, repeat and reorder."""

    def run_pipeline(self, pipeline, options):
        graph = pipeline.to_runner_api(default_environment=EmbeddedPythonEnvironment.default()).SerializeToString()
        processes = [SPAWN.Process(target=run, args=(graph, prepare)) for prepare in (die_midway, reverse, forget)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        victim, *survivors = [process.exitcode for process in processes]
        if any(survivors) or victim not in (0, -signal.SIGKILL):
            raise RuntimeError(f"exit codes {[victim, *survivors]}")
        return Done(PipelineState.DONE)


class Done(PipelineResult):
    """The result of a pipeline that has run."""

    def wait_until_finish(self, duration=None):
        return self.state


def run(graph: bytes, prepare: Callable[[], None]) -> None:
    """Run a pipeline in this process, after `prepare` has bent the cluster form's functions."""
    prepare()
    proto = beam_runner_api_pb2.Pipeline.FromString(graph)
    FnApiRunner().run_via_runner_api(proto, PipelineOptions(flags=[])).wait_until_finish()


def forget() -> None:
    """Let every item look as if it had no marker yet."""
    cluster.manifest = types.SimpleNamespace(read_marker=lambda *_: None)  # type: ignore[assignment]


def reverse() -> None:
    """Forget, and emit the items of every phase in reverse."""
    forget()
    emit = cluster.emit

    def emit_reversed(*args) -> Iterator[Attempt]:
        return reversed(list(emit(*args)))

    cluster.emit = emit_reversed


def die_midway() -> None:
    """Forget, and kill this process when an item's files are written and its marker is not."""
    forget()
    perform, numbers = cluster.perform, itertools.count(1)

    def perform_or_die(phase: str, work: Work, attempt: Attempt) -> None:
        if next(numbers) == DEADLY_ITEM:
            work(attempt)
            os.kill(os.getpid(), signal.SIGKILL)
        perform(phase, work, attempt)

    cluster.perform = perform_or_die
