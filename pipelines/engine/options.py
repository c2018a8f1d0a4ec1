"""Run-time choices of an engine: none of them changes a byte."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from corpuskit.errors import RecipeError

T = TypeVar("T")
LOCAL = "local"
MEMORY = 4 * 10**9
"""Bytes that all processes may take together where nothing is said; more where that is too little for the workers."""
OWN_BYTES = 300 * 10**6
"""What a process takes before it holds any data: Python, its libraries, compiled kernels."""
LEAST_BYTES = 100 * 10**6
"""What a worker needs for its data: a few batches."""


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How to run, as opposed to what: no field enters a fingerprint.

    Raises:
        RecipeError: a value is out of its range.
    """

    workers: int = field(default_factory=usable_cores)
    """Worker processes of the local engine; 0 runs items in this process, where a deadly record is deadly."""
    runner: str = LOCAL
    """`local`, or a Beam runner: a known name (`flink`, `FnApiRunner`) or the full path of a class."""
    runner_options: tuple[str, ...] = ()
    """Options for that Beam runner, such as `--flink_master=host:8081`."""
    slice: tuple[int, int] | None = None
    """(k, n): run only the k-th of n interleaved shares of each phase's items, 1 <= k <= n."""
    log_dir: str | None = None
    """Where workers log, one file each; default: a temporary folder that is kept only after a failure."""
    heartbeat: float = 10.0
    """Seconds between two signs of life of a claim."""
    retries: int = 1
    """How often an item is tried again after it raised or killed its worker."""
    verify: bool = False
    """Whether finished work is checked against its checksums, and made again where it does not match."""

    def __post_init__(self) -> None:
        _check(self.workers >= 0, "--workers", f"{self.workers} is negative")
        _check(self.retries >= 0, "retries", f"{self.retries} is negative")
        _check(self.heartbeat > 0, "heartbeat", f"{self.heartbeat} is not a positive number of seconds")
        if self.slice is not None:
            share, shares = self.slice
            _check(1 <= share <= shares, "--slice", f"{share}/{shares}: expected K/N with 1 <= K <= N")
            _check(self.runner == LOCAL, "--slice", f"needs the local engine, not --runner {self.runner}")
        mode = "--direct_running_mode=multi_threading"
        _check(mode not in self.runner_options, mode, "this mode of Beam cuts elements in two; use multi_processing")
        _check(
            self.runner.lower() not in ("direct", "directrunner"),
            "--runner",
            "DirectRunner chooses its engine by what it can download; name FnApiRunner instead",
        )

    def share(self, items: Sequence[T]) -> list[T]:
        """Return the items that belong to this process's slice, in order; all of them without one."""
        share, shares = self.slice or (1, 1)
        return list(items[share - 1 :: shares])


def _check(condition: bool, place: str, message: str) -> None:
    if not condition:
        raise RecipeError(place, message)


def worker_memory(total: int | None = None, workers: int | None = None, runner: str = LOCAL) -> int:
    """Return the bytes that each worker may use for its data; changes no result.

    Args:
        total: what all processes on this machine may take together; on a Beam runner, what each worker may take. By
            default `MEMORY`, and at least what as many workers need.
        workers: worker processes, as `EngineOptions` has them; one per core by default.
        runner: `local` or a Beam runner.

    Raises:
        RecipeError: that is too little for so many workers.
    """
    count = (usable_cores() if workers is None else workers) if runner == LOCAL else 0
    own = (count + 1) * OWN_BYTES
    sharing = max(count, 1)
    needed = own + sharing * LEAST_BYTES
    if total is None:
        total = max(MEMORY, needed)
    message = f"{_megabytes(total)} is too little: {_processes(count + 1)} {_megabytes(needed)} or more"
    fewer = f"; fewer --workers than {count} need less" if count > 1 else ""
    _check(total >= needed, "--memory", message + fewer)
    return (total - own) // sharing


def _processes(count: int) -> str:
    return "one process needs" if count == 1 else f"{count} processes need"


def _megabytes(size: int) -> str:
    return f"{size / 10**6:,.0f} MB"


def parse_slice(text: str) -> tuple[int, int]:
    """Turn "3/16" into (3, 16).

    Raises:
        RecipeError: the text is not of that form.
    """
    share, slash, shares = text.partition("/")
    if not (slash and share.isdecimal() and shares.isdecimal()):
        raise RecipeError("--slice", f"{text!r}: expected K/N, such as 3/16")
    return int(share), int(shares)
