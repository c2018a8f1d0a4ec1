"""Runs command lines as a user does: time and memory of the whole tree of processes."""

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
SHARED_INTERVAL = 0.5
"""Seconds between two looks at what the processes have in common, which costs the system milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A finished command."""

    seconds: float
    cpu: float
    """Processor seconds of all its processes: what other programs on the machine do not inflate much."""
    memory: int
    """Sum over its processes of the largest resident memory of each: pages that they share count for each."""
    resident: int
    """The largest sum of their resident memory at one moment."""
    proportional: int
    """The same, with each page counted once that several of them have."""
    private: int
    """The same, without pages of files, which the system may take back at any time."""
    output: str


def corpuskit(*arguments: str, cores: str | None = None) -> Ran:
    """Run `corpuskit ARGUMENTS`; see `run`."""
    return run([str(Path(sys.executable).with_name("corpuskit")), *arguments], cores)


def run(command: list[str], cores: str | None = None) -> Ran:
    """Run a command; `cores` is a list for `taskset`, such as `0`.

    Raises:
        RuntimeError: the command failed.
    """
    if cores is not None:
        command = ["taskset", "-c", cores, *command]
    started, used = time.perf_counter(), _children()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
    ) as process:
        watch = Watch(process.pid)
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
        watch.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}:\n{output}")
    return Ran(
        seconds=seconds,
        cpu=_children() - used,
        memory=sum(watch.peaks.values()),
        resident=watch.most["Rss"],
        proportional=watch.most["Pss"],
        private=watch.most["Pss_Anon"],
        output=output,
    )


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
        self.peaks: dict[int, int] = {}
        """The largest resident memory of each process."""
        self.most = dict.fromkeys(SUMS, 0)
        """The largest sum over the processes at one moment, by a name of `SUMS`."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        looked = 0.0
        while not self._stop.wait(INTERVAL):
            processes = family(self._pid)
            for pid in processes:
                self.peaks[pid] = max(self.peaks.get(pid, 0), peak(Path(f"/proc/{pid}/status")))
            if time.perf_counter() - looked > SHARED_INTERVAL:
                looked = time.perf_counter()
                found = [_rollup(pid) for pid in processes]
                self.most = {name: max(most, sum(one[name] for one in found)) for name, most in self.most.items()}


SUMS = ("Rss", "Pss", "Pss_Anon")
"""Resident pages; each page's share of this process; those shares of pages that belong to no file. See proc(5)."""


def _rollup(pid: int) -> dict[str, int]:
    """Return what a process has of each of `SUMS` in bytes; 0 where the system does not say (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        lines = []
    found = {name: int(value.split()[0]) * 1024 for name, _, value in (line.partition(":") for line in lines[1:])}
    return {name: found.get(name, 0) for name in SUMS}


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
