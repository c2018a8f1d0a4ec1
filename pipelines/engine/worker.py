"""A worker process: takes requests from its pipe, one at a time."""

import ctypes
import faulthandler
import gc
import logging
import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import Connection

from pipelines.engine.work import answer

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
COLLECT_AFTER = 20_000
"""New objects after which Python looks for cycles of garbage, by default 700: importing makes a million that stay."""
KEPT_FREE, LARGEST_KEPT = 128 << 20, 32 << 20
"""Bytes of freed memory that a worker keeps, and of the largest block that is kept (glibc allows no more)."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h."""


def main(connection: Connection, log: str) -> None:
    """Serve requests until the pipe closes; send `None` when ready, then one answer for each request.

    Ctrl-C never arrives here: the parent starts workers with SIGINT blocked and stops them itself. Beam is imported
    with the first item that needs it.
    """
    gc.set_threshold(COLLECT_AFTER)
    keep_memory()
    _skip_numba_extensions()
    _redirect(log)
    # The parent calls its workers daemons so that none outlives it, but a daemon may have no children, and data loaders
    # read ahead in some. `_end_with_parent` sees to those.
    multiprocessing.current_process().daemon = False
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in THREAD_VARIABLES:  # processes are the parallelism; thread pools inside each would only fight
        os.environ.setdefault(name, "1")
    connection.send(None)
    while True:
        try:
            request = connection.recv_bytes()
        except EOFError:
            return
        connection.send(answer(request))


def keep_memory() -> None:
    """Have glibc keep freed memory: each batch needs as much as the last, and a fresh page costs as much as its use."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # other C libraries have none
        mallopt(M_TRIM_THRESHOLD, KEPT_FREE)
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)


def _skip_numba_extensions() -> None:
    """Keep numba from importing the packages that register types with it (awkward: 0.2 s); kernels see arrays only."""
    from numba.core import entrypoints

    entrypoints._already_initialized = True


def _redirect(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()
    layout = f"%(asctime)s {os.getpid()} %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=layout, stream=sys.stderr, force=True)
    logging.getLogger("apache_beam").setLevel(logging.WARNING)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is always started by multiprocessing"
    parent.join()
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(1)
