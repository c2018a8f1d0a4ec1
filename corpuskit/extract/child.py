"""The process that extracts: a parent that forks workers, each until a page kills it.

C code that parses a page listens to nothing, so the kernel ends it: timers whose signals are not handled bound its
time, a resource limit bounds its memory, and a crash ends itself. The parent has everything imported, so that a new
worker is there in milliseconds; it answers for the dead one. All end with whoever started them: the socket closes.
"""

import contextlib
import ctypes
import gc
import logging
import mmap
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from corpuskit.extract import engines
from corpuskit.extract.config import ExtractConfig
from corpuskit.extract.frames import receive, send
from corpuskit.extract.page import Page

with contextlib.suppress(ImportError):  # not on Windows
    import resource

Extract = Callable[[bytes, str | None, ExtractConfig], Page]
IDLE, WORKING, TALKING = 0, 1, 2
STATE, FRESH = 0, 1
"""Places in the memory that parent and workers share: what the worker does; whether it works on its first page."""
OUT_OF_MEMORY = 70
"""Exit code of a worker that found no memory."""
PATIENCE = 10
"""How many times its processor time a page may take by the clock: only what hangs, or a machine that swaps, does."""
FORGET_PAGES, FORGET_BYTES = 500, 1_000_000
"""The engine's caches are emptied after so many pages, and after a page of so many bytes."""
PR_SET_PDEATHSIG = 1
"""Of Linux' prctl(2)."""
LIMITS = {signal.SIGPROF: "time", signal.SIGALRM: "clock"}


def main(engine: str) -> None:
    """Serve pages on standard input, which is a socket, until it closes."""
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(2, 1)  # no library's print is taken for an answer
    logging.disable()  # libraries log each page they find little on
    try:
        engines.load(engine)
    except Exception as error:  # whatever a broken package raises: whoever asked says so
        send(channel, {"broken": _described(error)}, b"")
        sys.exit(1)
    serve(channel, engines.extract)


def _described(error: Exception) -> str:
    """Return an error as a line that JSON can hold."""
    return f"{type(error).__name__}: {error}"[:500].encode(errors="replace").decode()


def serve(channel: socket.socket, extract: Extract) -> None:
    """Fork workers that answer pages with `extract`, one after another, until the channel closes.

    Sends `{"ready": true}` first. Answers each request with `{"found": page}` and the text, `{"raised": message}`, or
    `{"failed": why, "fresh": bool}`, where why is `time`, `clock`, `memory`, `signal <n>` or `exit <n>`, and fresh says
    that the page was its worker's first.
    """
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    for number in LIMITS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, LIMITS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    gc.collect()
    gc.freeze()  # what is imported stays: workers neither copy nor search it
    send(channel, {"ready": True}, b"")
    while True:
        worker = os.fork()
        if worker == 0:
            _end(channel, extract, shared)
        _, status = os.waitpid(worker, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0 or shared[STATE] == TALKING:  # closed, or cut in a message: whoever asked sees the channel close
            return
        if shared[STATE] == WORKING:
            send(channel, {"failed": _why(code), "fresh": bool(shared[FRESH])}, b"")


def _why(code: int) -> str:
    if code < 0:
        return LIMITS.get(signal.Signals(-code), f"signal {-code}")
    return "memory" if code == OUT_OF_MEMORY else f"exit {code}"


def _end(channel: socket.socket, extract: Extract, shared: mmap.mmap) -> NoReturn:
    """Work; whatever happens, do not return into the parent's code."""
    _end_with_parent()
    try:
        _work(channel, extract, shared)
    except ConnectionError:  # whoever asked is gone
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _end_with_parent() -> None:
    """Have the kernel end this worker when its parent ends; elsewhere than on Linux, its next page does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _work(channel: socket.socket, extract: Extract, shared: mmap.mmap) -> None:
    """Answer requests until the channel closes."""
    done = 0
    while True:
        shared[STATE] = IDLE
        channel.recv(1, socket.MSG_PEEK)
        shared[STATE] = TALKING
        request = receive(channel)
        if request is None:
            return
        header, page = request
        config = _config(header["config"])
        shared[FRESH] = done == 0
        shared[STATE] = WORKING
        answer, text = _answer(extract, page, header["charset"], config)
        shared[STATE] = TALKING
        send(channel, answer, text)
        done += 1
        if done % FORGET_PAGES == 0 or len(page) > FORGET_BYTES:
            engines.forget(config.engine)


@lru_cache(maxsize=16)
def _config(text: str) -> ExtractConfig:
    return ExtractConfig.model_validate_json(text)


def _answer(
    extract: Extract, page: bytes, http_charset: str | None, config: ExtractConfig
) -> tuple[dict[str, Any], bytes]:
    """Extract within the limits; what breaks them ends this process."""
    _limit_memory(config.memory)
    signal.setitimer(signal.ITIMER_PROF, config.time_limit)
    signal.setitimer(signal.ITIMER_REAL, config.time_limit * PATIENCE)
    text = b""
    try:
        found = extract(page, http_charset, config)
        text = found.text.encode()
        answer: dict[str, Any] = {"found": found._replace(text="")._asdict()}
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # any error of any library is this page's, and is reported as such
        answer = {"raised": _described(error)}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    if not text and _was_short_of_memory(config.memory):
        os._exit(OUT_OF_MEMORY)
    return answer, text


def _was_short_of_memory(size: int) -> bool:
    """Return whether a page without text may have found no memory: parsers report that as a broken page or none.

    What doubles its buffer fails from a third of the limit on; half tells it from what is there without any page.
    """
    if sys.platform != "linux":
        return False
    lines = Path("/proc/self/status").read_bytes().splitlines()
    return any(int(line.split()[1]) * 1024 > size / 2 for line in lines if line.startswith(b"VmPeak:"))


def _limit_memory(size: int) -> None:
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
