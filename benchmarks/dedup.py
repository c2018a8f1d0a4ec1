"""`corpuskit dedup` on a gigabyte, from JSONL.zst to clusters and a variant, beside three programs on shares of it."""

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson

from benchmarks import gigabyte
from benchmarks.commands import corpuskit, run
from benchmarks.data import ROOT
from benchmarks.row import Row, megabytes
from corpuskit import manifest
from corpuskit.corpus import Corpus

TITLE = "near-duplicates end to end"
SIZE = 1_000_000_000 if ROOT else 100_000_000
"""Bytes of text."""
PEERS = {"datatrove": 50, "datasketch": 20, "rensa": 5}
"""One document in how many each is given: their cost is linear, and none gets longer than a minute or two."""
SCRIPT = Path(__file__).with_name("dedup_peers.py")
CORES = {1: "0", 2: "0,1"}


def measure() -> Iterator[Row]:
    """Yield the whole command, documents, signals and variant included, on one core and on two."""
    paths, size = gigabyte.files(SIZE)
    with tempfile.TemporaryDirectory() as folder:
        shares = {
            name: gigabyte.share(paths, every, Path(folder, name))
            for name, every in PEERS.items()
            if importlib.util.find_spec(name)
        }
        for cores in CORES:
            own = _own(paths, size, cores, f"{folder}/out{cores}")
            yield own
            for name, share in shares.items():
                yield _beside(own, name, share, cores, Path(folder))


def _own(paths: list[Path], size: int, cores: int, out: str) -> Row:
    ran = corpuskit("dedup", *map(str, paths), "-o", out, "--quiet", "--json", cores=CORES[cores])
    clusters = manifest.read(Corpus(out).artifact("duplicates", "duplicates")).extra
    funnel = orjson.loads(ran.output)["funnel"]
    return Row(
        task=_task(cores),
        text=f"{size / 1e6:,.0f} MB",
        rate=megabytes(size, ran.seconds),
        memory=ran.resident,
        note=f"{_cores(cores)}: {ran.seconds:.1f} s, {ran.cpu:.1f} s of processor time, start-up included; "
        f"{funnel[0]['documents']:,} documents, {clusters['members']:,} of them in {clusters['clusters']:,} clusters, "
        f"{funnel[-1]['documents']:,} kept.",
    )


def _beside(own: Row, name: str, share: int, cores: int, folder: Path) -> Row:
    """Return corpuskit's row with what a peer did with its share."""
    scratch = folder / f"{name}{cores}"
    scratch.mkdir()
    command = [sys.executable, "-P", str(SCRIPT), name, str(folder / name), str(scratch), str(cores)]
    ran = run(command, cores=CORES[cores])
    found = orjson.loads(ran.output.splitlines()[-1])
    return replace(
        own,
        peer=f"{name} {found['version']}",
        peer_rate=megabytes(share, ran.seconds),
        peer_memory=ran.resident,
        note=f"{_cores(cores)}: {name} was given {share / 1e6:,.0f} MB, {ran.seconds:.1f} s"
        f"{f', {ran.cpu:.1f} s of processor time' * (cores == 1)}; it found {found['copies']:,} copies.",
    )


def _task(cores: int) -> str:
    return f"JSONL.zst to clusters and a variant, {_cores(cores)}"


def _cores(cores: int) -> str:
    return f"{cores} core{'s' * (cores > 1)}"
