"""Runs corpuskit's command line as a user does: time and memory of the whole tree of processes."""

import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.row import peak

INTERVAL = 0.05
"""Seconds between two looks at the processes."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A finished command."""

    seconds: float
    cpu: float
    """Processor seconds of all its processes: what other programs on the machine do not inflate much."""
    memory: int
    """Sum over its processes of the largest resident memory of each: pages that they share count for each."""
    output: str


def corpuskit(*arguments: str, cores: str | None = None) -> Ran:
    """Run `corpuskit ARGUMENTS`; `cores` is a list for `taskset`, such as `0`.

    Raises:
        RuntimeError: the command failed.
    """
    command = [str(Path(sys.executable).with_name("corpuskit")), *arguments]
    if cores is not None:
        command = ["taskset", "-c", cores, *command]
    started, used = time.perf_counter(), _children()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
    ) as process:
        watch = Watch(process.pid)
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
        memory = watch.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}:\n{output}")
    return Ran(seconds=seconds, cpu=_children() - used, memory=memory, output=output)


def _environment() -> dict[str, str]:
    """Return the environment without a setting that has every process compile corpuskit anew (0.3 s)."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Watch:
    """Looks at a process and its descendants until told to stop."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peaks: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Return the sum of the largest memory of each process."""
        self._stop.set()
        self._thread.join()
        return sum(self._peaks.values())

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL):
            for pid in family(self._pid):
                self._peaks[pid] = max(self._peaks.get(pid, 0), peak(Path(f"/proc/{pid}/status")))


def family(pid: int) -> list[int]:
    """Return a process and its descendants (Linux)."""
    found = [pid]
    for process in found:
        try:
            children = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/children")]
        except OSError:
            continue
        found += [int(child) for line in children for child in line]
    return found
