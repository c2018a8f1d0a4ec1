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
from benchmarks.extraction import PEERS, Extract
from benchmarks.row import Row, best, megabytes
from benchmarks.web import extracted
from corpuskit import documents
from corpuskit.documents import SourceConfig
from corpuskit.extract import ExtractConfig, engines
from corpuskit.recipe.load import build
from pipelines import ingest
from pipelines.engine import Engine, EngineOptions

TITLE = "WARC to documents, one core"
COPIES, WET_COPIES = 5, 60
ROUNDS = 4
"""How often the path and its peers are measured; the shortest time of each counts."""
SPLIT = 256 << 20
ALONE = "corpuskit's extractor alone"
PEERS_OF = {
    "trafilatura": (ALONE, "trafilatura.extract, its defaults", "trafilatura.extract, `fast`, no comments"),
    "resiliparse": (ALONE, "resiliparse, `main_content`"),
}
"""Plain loops over the same pages, as `benchmarks.extraction` names them; the last has the options of corpuskit."""
NOTE = (
    "WARC to Parquet is the step that `corpuskit extract` runs, in one process with its extracting child, imports not "
    "counted: gzip members, HTTP, charset, text, title and date, keys, a zstd Parquet file, manifest. Its peers are "
    f"loops over pages that lie decompressed in memory, in turns with it; the best of {ROUNDS} rounds each. Rates of "
    "reading are of pages or text, decompressed; corpuskit makes Arrow batches with ids, keys, URLs, times and "
    "metadata, the FastWARC loop reads each body and forgets it."
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
    """Measure the path and the loops in turns, because the speed of a shared machine drifts meanwhile."""
    count = len(pages) * COPIES
    tasks = {name: partial(_loop, _peer(name, engine), pages) for name in PEERS_OF[engine]}
    tasks[engine] = partial(_ingest, engine, warc, count)
    _warm_up(engine, warc, pages[:1])
    gc.collect()
    gc.freeze()  # a loop in a process of its own would not have corpuskit's objects to search
    rounds = [{name: Spent.on(task) for name, task in tasks.items()} for _ in range(ROUNDS)]
    spent = {name: min(each[name] for each in rounds) for name in tasks}
    ours = spent.pop(engine)
    for name, theirs in spent.items():
        yield Row(
            task=f"WARC to Parquet, `{engine}`, {ours.cpu / theirs.cpu - 1:+.0%} time",
            text=f"{NAME} x {COPIES}",
            rate=count / ours.cpu,
            unit="pages/s",
            peer=name,
            peer_rate=count / theirs.cpu,
            note=f"`{engine}`: {ours.cpu / count * 1e3:.1f} ms a page, {ours.wall / count * 1e3:.1f} ms by the clock.",
        )


def _warm_up(engine: str, warc: Path, pages: list[Article]) -> None:
    """Import everything and start the child."""
    one = warc.with_name("one.warc.gz")
    write_warc(one, pages, 1)
    _ingest(engine, one, len(pages))
    for name in PEERS_OF[engine]:
        _peer(name, engine)(pages[0].html)


def _peer(name: str, engine: str) -> Extract:
    return partial(_alone, ExtractConfig(engine=engine)) if name == ALONE else PEERS[name]


def _alone(config: ExtractConfig, html: bytes) -> str:
    """Extract text, title and date in this process: what a page costs without a child, files and accounting."""
    return engines.extract(html, None, config).text


def _loop(extract: Extract, pages: list[Article]) -> None:
    for _ in range(COPIES):
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
        note=NOTE,
    )


def _read(path: Path) -> int:
    source = SourceConfig(name="input", paths=(str(path),))
    return sum(len(batch) for piece in documents.plan(source, SPLIT) for batch, *_ in documents.read(piece, source))


def _fastwarc(path: Path) -> int:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    kinds = WarcRecordType.response | WarcRecordType.conversion
    with path.open("rb") as file:
        return sum(bool(record.reader.read()) for record in ArchiveIterator(file, record_types=kinds, parse_http=True))
