"""WARC to Parquet: the whole path beside the extractor's own time, and reading alone beside FastWARC."""

import gc
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.articles import NAME, Article, articles, family_time, write_warc, write_wet
from benchmarks.extraction import OURS, PEERS, Extract
from benchmarks.row import Row, best, megabytes
from benchmarks.web import extracted
from corpuskit import documents
from corpuskit.documents import SourceConfig
from corpuskit.recipe.load import build
from pipelines import ingest
from pipelines.engine import Engine, EngineOptions

TITLE = "WARC to documents, one core"
COPIES = 4
WET_COPIES = 60
SPLIT = 256 << 20
PEERS_OF = {
    "trafilatura": ("trafilatura.extract, its defaults", "trafilatura.extract, `fast`, no comments"),
    "resiliparse": ("resiliparse, `main_content`",),
}
"""Plain loops over the same pages, as `benchmarks.extraction` names them; the last has the options of corpuskit."""
NOTE = (
    "The path is the step that `corpuskit extract` runs, in one process with its extracting child: reading the gzip "
    "members, HTTP, charset, text, title and date, keys, a zstd Parquet file and manifest; imports are not counted. "
    "The loops have the decompressed pages in memory; half of each runs before the path, half after it."
)


class Spent(NamedTuple):
    """Processor time of this process and its children, and time by the clock, in seconds."""

    cpu: float
    wall: float

    @classmethod
    def on(cls, do: Callable[[], object]) -> Self:
        """Do something once and return what it took."""
        cpu, wall = family_time(), time.perf_counter()
        do()
        return cls(family_time() - cpu, time.perf_counter() - wall)


def measure() -> Iterator[Row]:
    """Yield the whole path with each engine, then reading alone; nothing where the labelled pages are not there."""
    logging.disable()  # trafilatura logs each page that it finds little on
    pages = articles()
    if not pages:
        return
    with tempfile.TemporaryDirectory() as folder:
        warc, wet = Path(folder, "pages.warc.gz"), Path(folder, "texts.warc.wet.gz")
        size = write_warc(warc, pages, COPIES)
        for engine in PEERS_OF:
            yield from _path(engine, warc, pages)
        yield _reading("WARC", warc, size, f"{NAME} x {COPIES}, HTML")
        yield _reading("WET", wet, write_wet(wet, extracted(), WET_COPIES), f"{NAME} x {WET_COPIES}, text")


def _path(engine: str, warc: Path, pages: list[Article]) -> Iterator[Row]:
    """Measure once, the loops around it: it takes long, and the machine's speed drifts meanwhile."""
    loops = {name: partial(_loop, PEERS[name], pages, COPIES // 2) for name in PEERS_OF[engine]}
    for extract in (OURS[f"`{engine}`"], *(PEERS[name] for name in loops)):
        extract(pages[0].html)  # imports; starts the child
    gc.collect()
    gc.freeze()  # a loop of its own would not have corpuskit's objects to search
    before = {name: Spent.on(loop) for name, loop in loops.items()}
    ours = Spent.on(partial(_ingest, engine, warc, len(pages) * COPIES))
    for name, loop in loops.items():
        theirs = before[name].cpu + Spent.on(loop).cpu
        yield Row(
            task=f"WARC to Parquet, `{engine}`, {ours.cpu / theirs - 1:+.0%} time",
            text=f"{NAME} x {COPIES}",
            rate=len(pages) * COPIES / ours.cpu,
            unit="pages/s",
            peer=name,
            peer_rate=len(pages) * COPIES / theirs,
            note=f"{NOTE} By the clock it took {ours.wall / ours.cpu - 1:+.0%} with `{engine}`.",
        )


def _loop(extract: Extract, pages: list[Article], copies: int) -> None:
    for _ in range(copies):
        for page in pages:
            extract(page.html)


def _ingest(engine: str, warc: Path, count: int) -> None:
    """Run the step that makes documents of a WARC; check that no page is lost."""
    source = {"name": "input", "paths": [str(warc)]}
    recipe = build({"name": "crawl", "sources": [source], "dedup": None, "extract": {"engine": engine}})
    out = tempfile.mkdtemp(dir=warc.parent)
    with Engine(EngineOptions(workers=0)) as running:
        made = running.run(ingest.step(recipe, out))
    assert (made.rows, made.errors) == (count, 0), f"{made.rows} documents and {made.errors} errors of {count} pages"
    shutil.rmtree(out)


def _reading(kind: str, path: Path, size: int, text: str) -> Row:
    """Measure reading records into Arrow batches beside a loop that reads each record's body and keeps none."""
    ours, theirs = best(partial(_read, path)), best(partial(_fastwarc, path))
    assert ours.result == theirs.result, f"{ours.result} pages read, FastWARC finds {theirs.result}"
    return Row(
        task=f"reading {kind}",
        text=text,
        rate=megabytes(size, ours.seconds),
        memory=ours.memory,
        peer="FastWARC loop",
        peer_rate=megabytes(size, theirs.seconds),
        peer_memory=theirs.memory,
        note="Reading: rates are of pages or text, decompressed; corpuskit makes Arrow batches with ids, keys, URLs, "
        "times and metadata, the loop reads each body and forgets it.",
    )


def _read(path: Path) -> int:
    source = SourceConfig(name="input", paths=(str(path),))
    return sum(len(batch) for piece in documents.plan(source, SPLIT) for batch, *_ in documents.read(piece, source))


def _fastwarc(path: Path) -> int:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    kinds = WarcRecordType.response | WarcRecordType.conversion
    with path.open("rb") as file:
        return sum(bool(record.reader.read()) for record in ArchiveIterator(file, record_types=kinds, parse_http=True))
