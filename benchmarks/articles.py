"""Pages of news and blogs with their article text labelled by hand: how well an extractor finds it."""

import gzip
import os
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import orjson

from benchmarks.data import ROOT

NAME = "article_extraction"
"""https://github.com/scrapinghub/article-extraction-benchmark, the pages of it that the test data hold."""
SHINGLE = 4
"""Words of a shingle, as in the publisher's scorer."""
WORD = re.compile(r"\w+")
WARC_DATE = "2019-11-20T00:00:00Z"


@dataclass(frozen=True)
class Article:
    """One page."""

    id: str
    url: str
    html: bytes
    body: str
    """The text that a person called the article."""


@dataclass(frozen=True)
class Score:
    """How well texts agree with the labelled ones, averaged over pages; lost: pages without text."""

    f1: float
    precision: float
    recall: float
    lost: int


def articles() -> list[Article]:
    """Return the pages in the order of their ids; none where the test data are not there."""
    folder = Path(ROOT, "web", NAME)
    if not ROOT or not folder.exists():
        return []
    truth = orjson.loads((folder / "ground-truth.json").read_bytes())
    files = {path.name.removesuffix(".html.gz"): path for path in sorted((folder / "html").glob("*.html.gz"))}
    return [
        Article(name, truth[name]["url"], gzip.decompress(path.read_bytes()), truth[name]["articleBody"])
        for name, path in files.items()
    ]


def score(pages: list[Article], extract: Callable[[bytes], str | None]) -> Score:
    """Extract each page and compare bags of shingles."""
    texts = [extract(page.html) or "" for page in pages]
    parts = [_agreement(page.body, text) for page, text in zip(pages, texts, strict=True)]
    f1, precision, recall = (mean(values) for values in zip(*parts, strict=True))
    return Score(f1, precision, recall, sum(not text.strip() for text in texts))


def _agreement(gold: str, found: str) -> tuple[float, float, float]:
    """Return F1, precision and recall of one page."""
    wanted, given = _shingles(gold), _shingles(found)
    if not wanted or not given:
        return (float(wanted == given),) * 3
    shared = (wanted & given).total()
    precision, recall = shared / given.total(), shared / wanted.total()
    return 2 * shared / (wanted.total() + given.total()), precision, recall


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    """Return all runs of `SHINGLE` words; the whole of a shorter text."""
    words = WORD.findall(text)
    count = max(len(words) - SHINGLE + 1, min(len(words), 1))
    return Counter(tuple(words[start : start + SHINGLE]) for start in range(count))


def write_warc(path: Path, pages: list[Article], copies: int) -> int:
    """Write a .warc.gz with each page `copies` times, each record a gzip member; return the bytes of all pages.

    Copies have record ids and URLs of their own.
    """
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n"
    bodies = [(page.url, head.format(len(page.html)).encode() + page.html) for page in pages]
    _write(path, "response", "application/http; msgtype=response", bodies, copies)
    return copies * sum(len(page.html) for page in pages)


def write_wet(path: Path, texts: list[tuple[str, str]], copies: int) -> int:
    """Write a .warc.wet.gz with each (URL, text) `copies` times, as `write_warc`; return the bytes of all texts."""
    bodies = [(url, text.encode()) for url, text in texts]
    _write(path, "conversion", "text/plain", bodies, copies)
    return copies * sum(len(body) for _, body in bodies)


def _write(path: Path, kind: str, content_type: str, bodies: list[tuple[str, bytes]], copies: int) -> None:
    """Write (URL, block) pairs as records."""
    with path.open("wb") as file:
        for copy in range(copies):
            for url, body in bodies:
                file.write(gzip.compress(_record(kind, content_type, f"{url}#{copy}", body), 1, mtime=0))


def _record(kind: str, content_type: str, url: str, body: bytes) -> bytes:
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, url)}>",
        "WARC-Target-URI": url,
        "WARC-Date": WARC_DATE,
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"WARC/1.0\r\n{lines}\r\n".encode() + body + b"\r\n\r\n"


def family_time() -> float:
    """Return the processor time of this process and all its descendants, in seconds (Linux; 0.01 s fine)."""
    return sum(_ticks(pid) for pid in _family(os.getpid())) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13]))
