"""Claims: exclusive files with a heartbeat, so that processes share a folder.

A claim says which process works on an item. It only saves work: items are idempotent, so two processes that run one
item at the same time (a wrong clock, a holder that was suspended) waste time and change nothing. Remote folders have
no exclusive creation and therefore no claims; there, slices divide the work.
"""

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from typing import Any

import orjson

from corpuskit import storage

MISSED = 4
"""Heartbeats that a claim may miss before it counts as dead."""
UNREADABLE_AFTER = 60.0
"""Seconds after which a claim without readable content counts as dead: its writer died while writing it."""


def claim_path(folder: str, phase: str, item: str) -> str:
    """Return where the claim on an item lies."""
    return storage.join(folder, "claims", phase, item)


def is_claimed(path: str) -> bool:
    """Whether a claim exists, fresh or stale."""
    return not storage.is_remote(path) and storage.exists(path)


def is_stale(path: str) -> bool:
    """Whether a claim is missing or its holder is dead.

    On the holder's host: its process is gone. Anywhere: the file's age, by this host's clock, is over `MISSED` of the
    holder's heartbeats.
    """
    try:
        age = time.time() - storage.local(path).stat().st_mtime
        holder = orjson.loads(storage.local(path).read_bytes())
    except FileNotFoundError:
        return True
    except orjson.JSONDecodeError:
        return age > UNREADABLE_AFTER
    return age > MISSED * holder["heartbeat"] or _is_gone(holder)


def _is_gone(holder: dict[str, Any]) -> bool:
    if holder["host"] != socket.gethostname():
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Claims:
    """The claims that this process holds; a thread keeps them fresh until `close`."""

    def __init__(self, heartbeat: float) -> None:
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "token": uuid.uuid4().hex, "heartbeat": heartbeat}
        self._content = orjson.dumps(holder)
        self._heartbeat = heartbeat
        self._held: set[str] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="corpuskit-claims", daemon=True)

    def __enter__(self) -> "Claims":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        self.release(list(self._held))

    def take(self, path: str) -> bool:
        """Claim an item, taking over a stale claim; return whether this process holds it now."""
        if storage.is_remote(path) or path in self._held:
            return True
        with contextlib.suppress(FileNotFoundError):  # another process has just removed the finished step's claims
            if not storage.claim(path, self._content):
                if not is_stale(path):
                    return False
                storage.remove(path)
                if not storage.claim(path, self._content):
                    return False
            self._held.add(path)
            return True
        return False

    def release(self, paths: Iterable[str]) -> None:
        """Give claims up; those that another process took over meanwhile are left to it."""
        for path in paths:
            self._held.discard(path)
            if self._is_mine(path):
                storage.remove(path)

    def _is_mine(self, path: str) -> bool:
        try:
            return storage.local(path).read_bytes() == self._content
        except OSError:
            return False

    def _beat(self) -> None:
        while not self._closed.wait(self._heartbeat):
            for path in tuple(self._held):
                if self._is_mine(path):
                    with contextlib.suppress(OSError):
                        os.utime(path)
