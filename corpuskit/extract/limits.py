"""Limits on what a page may cost: extraction in another process, which a page may kill."""

import atexit
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from corpuskit.errors import InputError, StepFailed
from corpuskit.extract.child import PATIENCE
from corpuskit.extract.config import ExtractConfig, require
from corpuskit.extract.frames import receive, send
from corpuskit.extract.page import Page

BOOT = "import sys; sys.path[:] = sys.argv[2:]; from corpuskit.extract.child import main; main(sys.argv[1])"
"""What the child runs: its modules come from where this process's come from."""
START_SECONDS = 120.0
"""How long a child may take to import its libraries."""
GRACE_SECONDS = 30.0
"""How much longer than its page may take the child may be silent: its own timers come first."""

ENDING_SECONDS = 5.0
"""How long a child that has closed its channel may take to end."""


class Failed(Exception):
    """A page could not be extracted; the message says why."""


class Child:
    """One extracting process, started with the first page and again after it is lost; not for two threads at a time.

    Args:
        command: program and arguments; it speaks `frames` on its standard input, a socket.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.lock = threading.Lock()
        self._asked = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs, None where none does."""
        return None if self._process is None else self._process.pid

    def extract(self, page: bytes | memoryview, charset: str | None, config: ExtractConfig) -> Page:
        """Extract one page.

        Raises:
            Failed: the page took too long or too much memory, crashed the extractor or made it raise.
            StepFailed: the extractor does not start.
        """
        header = {"charset": charset, "config": config.model_dump_json()}
        for _ in range(2):
            answer, text = self._ask(header, page, GRACE_SECONDS + config.time_limit * PATIENCE)
            if "found" in answer:
                return Page(**{**answer["found"], "text": str(text, "utf-8")})
            if answer.get("fresh", True) or answer["failed"] in ("time", "clock"):
                break  # else a process that has seen other pages may have died of those
        raise Failed(_message(answer, config))

    def _ask(self, header: dict[str, Any], page: bytes | memoryview, seconds: float) -> tuple[dict[str, Any], bytes]:
        channel = self._start()
        self._asked += 1
        deadline = time.monotonic() + seconds
        try:
            send(channel, header, page, deadline)
            answer = receive(channel, deadline)
        except TimeoutError:
            self.close()
            return {"failed": "clock"}, b""
        except OSError:
            answer = None
        if answer is None:
            fresh, code = self._asked == 1, self.close(ENDING_SECONDS)
            return {"failed": _ending(code), "fresh": fresh}, b""
        return answer

    def _start(self) -> socket.socket:
        if self._channel is not None:
            return self._channel
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "PYTHONHASHSEED": "0"}  # the order of sets decides which text some rules see first
        with theirs:
            self._process = subprocess.Popen(self.command, stdin=theirs.fileno(), env=environment)
        self._channel, self._asked = ours, 0
        try:
            ready = receive(ours, time.monotonic() + START_SECONDS)
        except OSError:
            ready = None
        if ready is None or "broken" in ready[0]:
            raise self._not_started(ready[0]["broken"] if ready else "it gave no reason")
        return ours

    def _not_started(self, why: str) -> StepFailed:
        code = self.close(ENDING_SECONDS)
        return StepFailed(
            f"the process that extracts web pages did not start ({_ending(code)}): {why}\n"
            "is every package of the extra whole? pip install --force-reinstall 'corpuskit[web]'"
        )

    def close(self, patience: float = 0.0) -> int:
        """End the process, after `patience` seconds in which it may end itself; return its exit code."""
        process, channel = self._process, self._channel
        self._process = self._channel = None
        if channel is not None:
            channel.close()
        if process is None:
            return 0
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def disown(self) -> None:
        """Leave the process to whoever started it: this one is a fork of that."""
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


def _message(answer: dict[str, Any], config: ExtractConfig) -> str:
    if "raised" in answer:
        return f"made the extractor fail: {answer['raised']}"
    kind, _, number = answer["failed"].partition(" ")
    messages = {
        "time": f"took over {config.time_limit:g} s",
        "clock": f"was not done after {config.time_limit * PATIENCE:g} s by the clock",
        "memory": f"needs over {_size(config.memory)} of memory",
        "signal": f"crashed the extractor (signal {number})",
        "exit": f"crashed the extractor (exit code {number})",
    }
    return messages[kind]


def _size(count: int) -> str:
    return f"{count >> 30} GiB" if count % 2**30 == 0 else f"{count / 2**20:.0f} MiB"


class Children:
    """The children of this process: one for each thread that extracts at the same time, and each engine."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._children: dict[str, list[Child]] = {}

    def borrow(self, engine: str) -> Child:
        """Return a child with its lock held; the caller releases it."""
        with self._guard:
            mine = self._children.setdefault(engine, [])
            child = next((child for child in mine if child.lock.acquire(blocking=False)), None)
            if child is None:
                child = Child([sys.executable, "-c", BOOT, engine, *sys.path])
                child.lock.acquire()
                mine.append(child)
            return child

    def close(self) -> None:
        """End all of them."""
        for children in self._children.values():
            for child in children:
                child.close()

    def disown(self) -> None:
        """Forget them all, in a fork of the process that started them."""
        for children in self._children.values():
            for child in children:
                child.disown()
        self.__init__()  # type: ignore[misc]


CHILDREN = Children()
atexit.register(CHILDREN.close)
os.register_at_fork(after_in_child=CHILDREN.disown)


def limited(page: bytes | memoryview, charset: str | None, config: ExtractConfig) -> Page:
    """Extract a page within its limits, in a child that is kept for the next.

    Raises:
        Failed: the page broke a limit or the extractor; the message says which and how.
    """
    if len(page) > config.max_bytes:
        raise Failed(f"has {len(page):,} bytes, over the {config.max_bytes:,} of max_bytes")
    child = CHILDREN.borrow(config.engine)
    try:
        return child.extract(page, charset, config)
    finally:
        child.lock.release()


def extract_page(html: bytes, config: ExtractConfig | None = None, charset: str | None = None) -> Page:
    """Extract the main text, title and date of one page of HTML.

    Args:
        html: the page as it was sent, without content or transfer encoding.
        config: engine, options and limits.
        charset: what HTTP said the charset is.

    Raises:
        InputError: the page is too large, took too long or too much memory, or crashed the extractor.
        MissingExtra: the engine's package is not installed.
        StepFailed: the engine's package is installed and does not work.
    """
    config = config or ExtractConfig()
    require(config)
    try:
        return limited(html, charset, config)
    except Failed as error:
        raise InputError(f"the page {error}") from None
