"""Worker processes as the parent sees them: start, ask, listen, notice a death, replace."""

import contextlib
import itertools
import multiprocessing
import os
import pickle
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection
from typing import Literal, Protocol

from corpuskit import storage
from corpuskit.errors import StepFailed
from pipelines.engine.work import Failure, Request, answer
from pipelines.engine.worker import main

PATIENCE = 5.0
"""Seconds that a worker whose pipe has broken gets to end by itself."""
START_HINT = 'a script that runs an engine must do so under `if __name__ == "__main__":`, since workers import it'
SPAWN = multiprocessing.get_context("spawn")


class Worker(Protocol):
    """Something that does one request at a time."""

    @property
    def log(self) -> str | None:
        """Where it logs; None: wherever this process does."""

    def ask(self, request: Request) -> None:
        """Hand over a request; the pool's `listen` gives the outcome."""


@dataclass(frozen=True)
class Event:
    """What became of a worker's request: done, failed with an exception, or the worker's death."""

    worker: Worker
    failure: Failure | None = None
    death: str = ""
    """How the worker died, such as `killed by SIGSEGV`; empty when it lives."""


class Pool(Protocol):
    """Workers that stay alive over phases and steps."""

    def grow(self, size: int) -> None:
        """Have at least `size` workers, or as many as the pool may have."""

    def idle(self) -> list[Worker]:
        """Return the workers that can take a request now."""

    def listen(self, timeout: float) -> list[Event]:
        """Wait for workers, at most `timeout` seconds; a dead worker is replaced before its event is returned.

        Raises:
            StepFailed: a worker died while it started.
        """

    def interrupt(self) -> None:
        """Stop what is running; idle workers stay."""

    def close(self) -> None:
        """Stop all workers."""


class InlinePool:
    """No processes: a request is done where it is asked for, so a debugger works and a deadly record is deadly."""

    log = None

    def __init__(self) -> None:
        self._events: list[Event] = []

    def grow(self, size: int) -> None:
        """Do nothing: this process is the only worker."""

    def idle(self) -> list[Worker]:
        """Return this pool itself."""
        return [self]

    def ask(self, request: Request) -> None:
        """Do the request now."""
        self._events.append(Event(self, answer(pickle.dumps(request))))

    def listen(self, timeout: float) -> list[Event]:
        """Return the outcomes since the last call; sleep only if there are none."""
        events, self._events = self._events, []
        if not events:
            time.sleep(timeout)
        return events

    def interrupt(self) -> None:
        """Forget outcomes that nobody asked for."""
        self._events.clear()

    def close(self) -> None:
        """Do nothing."""


class ProcessPool:
    """Up to `limit` worker processes, each a fresh interpreter with a log file."""

    def __init__(self, limit: int, log_dir: str) -> None:
        self._limit = limit
        self._log_dir = log_dir
        self._numbers = itertools.count()
        self._workers: list[WorkerProcess] = []

    def grow(self, size: int) -> None:
        """Have at least `size` workers, at most the limit."""
        while len(self._workers) < min(size, self._limit):
            self._workers.append(WorkerProcess(self._log_path(next(self._numbers))))

    def _log_path(self, number: int) -> str:
        storage.local(self._log_dir).mkdir(parents=True, exist_ok=True)
        return storage.join(self._log_dir, f"{socket.gethostname()}-{os.getpid()}-worker{number}.log")

    def idle(self) -> list[Worker]:
        """Return the workers that are ready and have no request."""
        return [worker for worker in self._workers if worker.state == "idle"]

    def listen(self, timeout: float) -> list[Event]:
        """Wait for answers and deaths; replace the dead."""
        handles = [handle for worker in self._workers for handle in (worker.pipe, worker.sentinel)]
        ready = connection.wait(handles, timeout)
        heard = [worker for worker in self._workers if worker.pipe in ready or worker.sentinel in ready]
        try:
            return [event for worker in heard if (event := worker.hear())]
        finally:
            self._replace_dead()

    def _replace_dead(self) -> None:
        for slot, worker in enumerate(self._workers):
            if worker.state == "dead":
                self._workers[slot] = WorkerProcess(worker.log)

    def interrupt(self) -> None:
        """Kill and forget the workers that are busy."""
        busy = [worker for worker in self._workers if worker.state == "busy"]
        self._workers = [worker for worker in self._workers if worker.state != "busy"]
        for worker in busy:
            worker.kill()

    def close(self) -> None:
        """Kill all workers: an idle one has nothing to lose, and Beam takes a second to say goodbye."""
        for worker in self._workers:
            worker.kill()
        self._workers = []


class WorkerProcess:
    """One worker process, its pipe and its log file."""

    def __init__(self, log: str) -> None:
        self.log = log
        self.state: Literal["starting", "idle", "busy", "dead"] = "starting"
        self.pipe, remote_end = SPAWN.Pipe()
        self._process = SPAWN.Process(target=main, args=(remote_end, log), name="corpuskit-worker", daemon=True)
        with _sigint_blocked():
            self._process.start()
        remote_end.close()
        self.sentinel = self._process.sentinel

    def ask(self, request: Request) -> None:
        """Send a request; if the worker has just died, `hear` will say so."""
        self.state = "busy"
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(pickle.dumps(request))

    def hear(self) -> Event | None:
        """Read what the worker sent, or find it dead; None where nobody waits for the news.

        Raises:
            StepFailed: it died while it started.
        """
        try:
            if not self.pipe.poll():
                return self._died()
            failure: Failure | None = self.pipe.recv()
        except (EOFError, OSError):
            return self._died()
        before, self.state = self.state, "idle"
        return Event(self, failure) if before == "busy" else None

    def _died(self) -> Event | None:
        before = self.state
        self._process.join(PATIENCE)
        reason = describe_exit(self._process.exitcode)
        self.kill()
        if before == "starting":
            raise StepFailed(f"a worker process ended while it started ({reason}); {START_HINT}\nlog: {self.log}")
        return Event(self, death=reason) if before == "busy" else None

    def kill(self) -> None:
        """End the process now, reap it, and close its pipe; a second call does nothing."""
        if self.state == "dead":
            return
        self.state = "dead"
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()


def describe_exit(code: int | None) -> str:
    """Say how a process ended, as `killed by SIGKILL` or `exit code 9`."""
    if code is None or code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name} (out of memory?)" if name == "SIGKILL" else f"killed by {name}"


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT, which a process started meanwhile inherits for life; here it is delivered afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
