"""HTML to text: quality on labelled pages and speed, beside trafilatura and resiliparse called directly."""

import logging
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.articles import NAME, Article, Score, articles, family_time, score
from benchmarks.row import Row, best
from corpuskit.extract import ExtractConfig, extract_page

TITLE = "The main text of web pages, one core"
Extract = Callable[[bytes], str | None]
NOTE = (
    "F1 of bags of 4-word shingles, averaged over pages. Speeds are by processor time and, for corpuskit, include the "
    "charset, title and date, rewriting of formulas and code, and the child process."
)


def measure() -> Iterator[Row]:
    """Yield quality, then speed; nothing where the labelled pages are not there."""
    logging.disable()  # trafilatura logs each page that it finds little on
    pages = articles()
    if not pages:
        return
    name = f"{len(pages)} pages of {NAME}"
    for ours, peer in PAIRS:
        yield _quality(name, ours, peer, pages)
    for ours, peer in PAIRS:
        yield _speed(name, ours, peer, pages)


def _ours(config: ExtractConfig, page: bytes) -> str:
    return extract_page(page, config).text


def _trafilatura(page: bytes, **options: bool) -> str | None:
    import trafilatura

    return trafilatura.extract(page, **options)


def _resiliparse(page: bytes) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    return extract_plain_text(bytes_to_str(page, detect_encoding(page)), main_content=True)


DEFAULT = ExtractConfig()
OURS: dict[str, Extract] = {
    "`trafilatura`": partial(_ours, DEFAULT),
    "`trafilatura`, `thorough`": partial(_ours, ExtractConfig(thorough=True)),
    "`resiliparse`": partial(_ours, ExtractConfig(engine="resiliparse")),
}
PEERS: dict[str, Extract] = {
    "trafilatura.extract, its defaults": _trafilatura,
    "trafilatura.extract, `fast`, no comments": partial(_trafilatura, fast=True, include_comments=False),
    "trafilatura.extract, no comments": partial(_trafilatura, include_comments=False),
    "resiliparse, `main_content`": _resiliparse,
}
PAIRS = (
    ("`trafilatura`", "trafilatura.extract, its defaults"),
    ("`trafilatura`", "trafilatura.extract, `fast`, no comments"),
    ("`trafilatura`, `thorough`", "trafilatura.extract, no comments"),
    ("`resiliparse`", "resiliparse, `main_content`"),
)
"""The peer of the second and third has the same options as corpuskit."""


def _quality(name: str, ours: str, peer: str, pages: list[Article]) -> Row:
    found, other = score(pages, OURS[ours]), score(pages, PEERS[peer])
    return Row(
        task=f"{ours}: {_described(found)}",
        text=name,
        rate=100 * found.f1,
        unit="% F1",
        peer=f"{peer}: {_described(other)}",
        peer_rate=100 * other.f1,
        note=NOTE,
    )


def _described(found: Score) -> str:
    return f"precision {found.precision:.3f}, recall {found.recall:.3f}, {found.lost} pages lost"


def _speed(name: str, ours: str, peer: str, pages: list[Article]) -> Row:
    found, other = (best(partial(_all, extract, pages), clock=family_time) for extract in (OURS[ours], PEERS[peer]))
    return Row(
        task=f"{ours}, speed",
        text=name,
        rate=len(pages) / found.seconds,
        unit="pages/s",
        peer=peer,
        peer_rate=len(pages) / other.seconds,
    )


def _all(extract: Extract, pages: list[Article]) -> None:
    for page in pages:
        extract(page.html)
