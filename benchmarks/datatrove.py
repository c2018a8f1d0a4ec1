"""datatrove as a peer, in a Python of its own: its dependencies are not corpuskit's."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import orjson
import pyarrow as pa

from benchmarks.data import size_of
from benchmarks.row import megabytes

PYTHON = "CORPUSKIT_DATATROVE_PYTHON"
"""Names a Python that has datatrove and spaCy (90 packages with what they need)."""
UNSET = f"datatrove was not measured: {PYTHON} is not set."
SCRIPT = Path(__file__).with_name("datatrove_peer.py")


class Measured(NamedTuple):
    """What datatrove did with one of its steps."""

    peer: str
    """Its name and version."""
    rate: float
    """MB/s."""


def measure(step: str, texts: pa.LargeStringArray) -> Measured | None:
    """Run one of the steps that `datatrove_peer` knows over texts; None where the environment names no Python."""
    python = os.environ.get(PYTHON)
    if python is None:
        return None
    done = subprocess.run(
        [python, "-P", SCRIPT, step],
        input=orjson.dumps(texts.to_pylist()),
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        check=True,
    )
    found = orjson.loads(done.stdout)
    return Measured(f"datatrove {found['version']}", megabytes(size_of(texts), found["seconds"]))
