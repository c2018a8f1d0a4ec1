"""Web documents of about 3 KB with their URLs: extracted articles, C4, Chinese."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa

from benchmarks.articles import articles
from benchmarks.data import ROOT, corpora, size_of
from corpuskit.extract import extract_page

SIZE = 3000
"""Bytes that longer texts are cut to, more or less: into pieces of one length."""
COPIES = 20
BYTES = 6_000_000


@dataclass(frozen=True)
class Web:
    """One set of documents."""

    source: str
    texts: pa.LargeStringArray
    urls: pa.LargeStringArray
    """One a text."""

    @property
    def size(self) -> int:
        """UTF-8 bytes of all texts."""
        return size_of(self.texts)

    @property
    def name(self) -> str:
        """What the set is called in a table."""
        return f"{self.source}, {self.size / len(self.texts) / 1e3:.1f} KB each"

    def head(self, max_bytes: int) -> "Web":
        """Return the first texts, about `max_bytes` of UTF-8, with their URLs."""
        count = max(1, len(self.texts) * max_bytes // self.size)
        return Web(self.source, self.texts[:count], self.urls[:count])


def webs() -> list[Web]:
    """Return the sets that are there; without any, the documentation of this Python under made-up URLs."""
    return [web for web in (_extracted(), *_c4_and_chinese()) if len(web.texts)] or [_pydocs()]


def extracted() -> list[tuple[str, str]]:
    """Return (URL, text) of the labelled pages, as corpuskit's default extractor finds it."""
    logging.disable()
    return [(page.url, extract_page(page.html).text) for page in articles()]


def _extracted() -> Web:
    """Repeat the pages; each copy begins with another line, so that no two texts are equal that have some."""
    pieces = [(url, piece) for url, text in extracted() for piece in cut(text)]
    copies = [
        (f"{url}{'&' if '?' in url else '/'}{copy}", rotated(text, copy))
        for copy in range(COPIES)
        for url, text in pieces
    ]
    return _web("article_extraction", copies)


def _c4_and_chinese() -> Iterator[Web]:
    path = Path(ROOT, "web", "c4_sample", "c4.jsonl")
    if not ROOT or not path.exists():
        return
    records = list(map(orjson.loads, path.read_bytes().splitlines()))
    yield _web("c4_sample", ((record["url"], record["text"]) for record in records))
    for corpus in corpora("zh_modern"):
        texts = [piece for text in corpus.texts(BYTES).to_pylist() for piece in cut(text)]
        yield _web(corpus.name, ((records[row % len(records)]["url"], text) for row, text in enumerate(texts)))


def _pydocs() -> Web:
    (corpus,) = corpora()
    texts = [piece for text in corpus.texts(BYTES).to_pylist() for piece in cut(text)]
    return _web(corpus.name, ((f"https://docs.example.org/{row}.html", text) for row, text in enumerate(texts)))


def _web(source: str, documents: Iterable[tuple[str, str]]) -> Web:
    pairs = list(documents)
    urls, texts = ([pair[column] for pair in pairs] for column in range(2))
    return Web(source, pa.array(texts, pa.large_string()), pa.array(urls, pa.large_string()))


def cut(text: str) -> list[str]:
    """Cut a text into pieces of about `SIZE` bytes, all of as many characters; it stays whole below 1.5 times that."""
    count = max(1, round(len(text.encode()) / SIZE))
    length = -(-len(text) // count)
    return [text[start : start + length] for start in range(0, len(text), length)]


def rotated(text: str, by: int) -> str:
    """Return the lines of a text, beginning with another."""
    lines = text.split("\n")
    first = by % len(lines)
    return "\n".join([*lines[first:], *lines[:first]])
