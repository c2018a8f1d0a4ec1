"""What the figures depend on: processor, cores, load, versions."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

PACKAGES = (
    "corpuskit",
    "numpy",
    "pyarrow",
    "numba",
    "tokenizers",
    "sentencepiece",
    "gigatoken",
    "datasketch",
    "orjson",
    "zstandard",
    "torch",
)


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def load() -> float:
    """Return how many processes wanted a core over the last minute."""
    return os.getloadavg()[0]


def describe() -> str:
    """Return a paragraph: where and with what a benchmark ran."""
    found = {name: _version(name) for name in PACKAGES}
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    command = "python -m benchmarks " + " ".join(sys.argv[1:])
    return (
        f"{processor()}, {cores()} of {os.cpu_count()} cores, load {load():.1f}; Python {platform.python_version()}, "
        f"{versions}. Command: `{command.strip()}`"
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
