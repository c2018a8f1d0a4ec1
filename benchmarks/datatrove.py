"""datatrove as a peer, in a process of its own: what it loads is not corpuskit's memory."""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import pyarrow as pa

from benchmarks.data import size_of
from benchmarks.row import megabytes

UNSET = "datatrove was not measured: it is not installed (extra `dev`)."
SCRIPT = Path(__file__).with_name("datatrove_peer.py")


class Measured(NamedTuple):
    """What datatrove did with its steps."""

    peer: str
    """Its name and version."""
    rate: float
    """MB/s."""
    reasons: list[str]
    """Of each text, why the first of the steps that drops it does; empty where none does."""


def measure(steps: str | Sequence[str], texts: pa.LargeStringArray) -> Measured | None:
    """Put texts through steps that `datatrove_peer` knows, one after the other; None where there is no datatrove."""
    if importlib.util.find_spec("datatrove") is None:
        return None
    done = subprocess.run(
        [sys.executable, "-P", SCRIPT, *([steps] if isinstance(steps, str) else steps)],
        input=orjson.dumps(texts.to_pylist()),
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        check=True,
    )
    found = orjson.loads(done.stdout)
    return Measured(f"datatrove {found['version']}", megabytes(size_of(texts), found["seconds"]), found["reasons"])
