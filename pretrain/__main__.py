"""`python -m pretrain --job job.json`: one run in a process of its own, or one rank of it under torchrun.

Writes one JSON object a line to standard output: at most one a second while the run goes on (`step`, `bytes`,
`budget_bytes`, `loss`, `tokens_per_second`), and at the end the run's record.
"""

import argparse
import os
import sys
import time
from dataclasses import asdict
from typing import Any

import orjson

from corpuskit.errors import CorpuskitError
from pretrain import require_torch
from pretrain.job import Job

SECONDS_BETWEEN = 1.0


class ProgressLines:
    """Progress as JSON lines, at most one a second."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, progress: Any) -> None:
        """Write a line if the last one is old enough."""
        if time.monotonic() - self.last >= SECONDS_BETWEEN:
            self.last = time.monotonic()
            write_line(progress)


def write_line(value: Any) -> None:
    """Write a dataclass as one line of JSON to standard output."""
    sys.stdout.buffer.write(orjson.dumps(asdict(value)) + b"\n")
    sys.stdout.buffer.flush()


def main() -> int:
    """Train; return the exit code: 0, or that of the user's mistake, which goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m pretrain", description="Pretrain one model.")
    parser.add_argument("--job", required=True, help="path of job.json, as Job.save writes it")
    path = parser.parse_args().job
    try:
        require_torch()
        from pretrain.train import train

        record = train(Job.load(path), ProgressLines())
    except CorpuskitError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if int(os.environ.get("RANK", 0)) == 0:
        write_line(record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
