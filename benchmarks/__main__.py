"""Runs benchmarks and prints them as Markdown; each in a process of its own, so that memory is its own."""

import argparse
import importlib
import subprocess
import sys
import time

from benchmarks import NAMES, machine
from benchmarks.row import Row, table


def main() -> int:
    """Run the benchmarks named on the command line; all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed beside named peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    chosen = parser.parse_args().names
    if unknown := set(chosen) - set(NAMES):
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    if len(chosen) == 1:
        run(chosen[0])
        return 0
    codes = [subprocess.call([sys.executable, "-m", "benchmarks", name]) for name in chosen or NAMES]
    return max(codes)


def run(name: str) -> None:
    """Run one benchmark in this process and print it."""
    module = importlib.import_module(f"benchmarks.{name}")
    print(f"## {name}: {module.TITLE}\n\n{machine.describe()}\n", flush=True)
    started = time.perf_counter()
    rows: list[Row] = list(module.measure())
    print(f"{table(rows)}\n\n{time.perf_counter() - started:.0f} s in all, load {machine.load():.1f}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
