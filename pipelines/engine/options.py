"""Run-time choices of an engine: none of them changes a byte."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from corpuskit.errors import RecipeError

T = TypeVar("T")
LOCAL = "local"


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


def parse_slice(text: str) -> tuple[int, int]:
    """Turn "3/16" into (3, 16).

    Raises:
        RecipeError: the text is not of that form.
    """
    share, slash, shares = text.partition("/")
    if not (slash and share.isdecimal() and shares.isdecimal()):
        raise RecipeError("--slice", f"{text!r}: expected K/N, such as 3/16")
    return int(share), int(shares)
