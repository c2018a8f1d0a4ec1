"""Framing of MediaWiki XML dumps: the bytes of each page, past damage, the same for any ranges of the file."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import unescape
from typing import Any, NamedTuple

from corpuskit.documents import bzip2
from corpuskit.documents.bzip2 import JUNK, Chunk
from corpuskit.documents.pages import RawPage
from corpuskit.documents.pieces import FileRange
from corpuskit.documents.records import BadRecord, bad
from corpuskit.documents.streams import Damaged, blocks

START, END = b"<page>", b"</page>"
MAX_PAGE = 64 << 20
"""Bytes of XML in a page; one revision is at most 2 MiB of wikitext (`$wgMaxArticleSize`), 12 MiB in XML."""
HEAD = 1 << 20
"""Where to look for the site's description: this many bytes from the beginning."""


class Site(NamedTuple):
    """What a dump says of its wiki."""

    root: str = ""
    """What the addresses of pages begin with; empty where the dump's head is not readable."""
    namespaces: tuple[tuple[int, str], ...] = ()
    """(number, local name) of each namespace."""


def is_bzip2(file: FileRange) -> bool:
    """Whether a file is compressed by bzip2; the offset of a record is then that of its stream in the file."""
    return file.path.lower().endswith(".bz2")


def read_site(file: FileRange, options: dict[str, Any]) -> Site:
    """Read the description of the wiki at a dump's beginning; what is not there stays empty."""
    head = b""
    for chunk in _chunks(replace(file, start=0, stop=None), options):
        head += chunk.data
        if START in head or len(head) > HEAD or chunk.damage:
            break
    text = head[:HEAD].partition(START)[0].decode(errors="replace")
    base = re.search(r"<base>([^<]*[/=])[^<]*</base>", text)
    spaces = re.findall(r'<namespace key="(-?\d{1,4})"[^<>]*>([^<]*)<', text)
    return Site(unescape(base[1]) if base else "", tuple((int(key), unescape(name)) for key, name in spaces))


def pages(file: FileRange, options: dict[str, Any]) -> Iterator[RawPage | BadRecord]:
    """Give the pages that begin in a range of a dump, and all else that should not be there as bad records.

    A record reaches from one `<page>` to the next, so that ranges which share an edge give each record once. Its
    offset is its own in the decompressed stream; in bzip2, that of the stream in the file in which it begins. What a
    damaged stream held of its last page goes to `errors/` with the stream; the next streams are read.

    Raises:
        InputError: the file is gone or has changed since it was planned.
    """
    for part in _parts(_chunks(file, options), file):
        if part.damage:
            yield bad(file.name, part.offset, part.damage, part.data)
        else:
            yield from (_page if part.is_page else _head)(file.name, part)


class _Part(NamedTuple):
    """What lies between two `<page>` marks, or before the first."""

    offset: int
    data: bytes
    is_page: bool
    damage: str = ""
    is_last: bool = False
    """Whether it ends with the file."""


def _chunks(file: FileRange, options: dict[str, Any]) -> Iterator[Chunk]:
    """Give the decompressed bytes: with offsets in them, or with those of bzip2 streams in the file."""
    if is_bzip2(file):
        yield from bzip2.chunks(file, options)
        return
    offset = 0
    try:
        for block in blocks(file, options):
            yield Chunk(offset, block)
            offset += len(block)
    except Damaged as damage:
        yield Chunk(offset, b"", str(damage))


def _parts(chunks: Iterable[Chunk], file: FileRange) -> Iterator[_Part]:
    """Cut chunks at `<page>`; stop at the first part that begins past the range."""
    parts = _Parts(file)
    for chunk in chunks:
        if chunk.damage:
            yield from parts.damaged(chunk)
        else:
            yield from parts.take(chunk)
        if parts.done:
            return
    yield from parts.close()


class _Parts:
    """The part that is being read; `offset` is None while bytes belong to a page of an earlier range, or a lost one."""

    def __init__(self, file: FileRange) -> None:
        self.stop = file.stop
        self.exact = not is_bzip2(file)
        self.offset: int | None = None if file.start else 0
        self.is_page = self.done = False
        self.held = bytearray()
        self.last = -1
        """Offset of the chunk before."""

    def take(self, chunk: Chunk) -> Iterator[_Part]:
        """Add a chunk; give the parts that it completes."""
        border = len(self.held)
        self.held += chunk.data
        begin, search = 0, max(border - len(START) + 1, 0)
        while (at := self.held.find(START, search)) >= 0:
            yield from self._end(begin, at)
            begin = search = at + len(START)
            place = chunk.offset + at - border if self.exact else (self.last if at < border else chunk.offset)
            if self._is_past(place):
                self.done = True
                return
            self.offset, self.is_page = place, True
        del self.held[:begin]
        self.last = chunk.offset
        yield from self._bound()
        self.done = self.offset is None and not self.held.strip() and self._is_past(chunk.offset)

    def damaged(self, chunk: Chunk) -> Iterator[_Part]:
        """End the part: one that is complete stays a page, one that began in the damaged stream is lost with it."""
        raw = b""
        if self.is_page and self.offset is not None:
            if END in self.held or not (self.exact or self.offset == chunk.offset):
                yield from self._end(0, len(self.held))
            else:
                raw = bytes(self.held)
        place = self.offset if self.exact and raw and self.offset is not None else chunk.offset
        self.held.clear()
        self.offset = None
        if not self._is_past(self.last if chunk.damage == JUNK else chunk.offset):
            yield _Part(place, raw, False, chunk.damage)
        self.done = self._is_past(chunk.offset)

    def close(self) -> Iterator[_Part]:
        """Give what is left at the end of the file."""
        yield from (part._replace(is_last=True) for part in self._end(0, len(self.held)))

    def _end(self, begin: int, end: int) -> Iterator[_Part]:
        if self.offset is not None:
            yield _Part(self.offset, bytes(self.held[begin:end]), self.is_page)

    def _is_past(self, offset: int) -> bool:
        return self.stop is not None and offset >= self.stop

    def _bound(self) -> Iterator[_Part]:
        """Give up a part that is too long; keep no more of what belongs to none than may begin a mark."""
        if self.offset is not None and len(self.held) > MAX_PAGE:
            yield _Part(self.offset, bytes(self.held), False, f"no {START.decode()} within {MAX_PAGE >> 20} MiB")
            self.offset = None
        if self.offset is None:
            del self.held[: max(len(self.held) - len(START) + 1, 0)]


def _page(name: str, part: _Part) -> Iterator[RawPage | BadRecord]:
    """Give a page, and what follows it up to the next one, unless that is white space or the dump's end."""
    body, end, rest = part.data.partition(END)
    if not end:
        yield bad(name, part.offset, "the page breaks off: no </page>", START + body)
        return
    yield RawPage(name, part.offset, START + body + end, "")
    yield from _tail(name, part, rest.strip(), "after the page that begins here")


def _head(name: str, part: _Part) -> Iterator[BadRecord]:
    """Check what comes before the first page: the opening tag and the site's description, no more."""
    _, opening, rest = part.data.partition(b"<mediawiki")
    if not opening:
        yield bad(name, part.offset, "not a MediaWiki dump: no <mediawiki> before the first page", part.data)
        return
    rest = rest.partition(b"</siteinfo>" if b"</siteinfo>" in rest else b">")[2]
    yield from _tail(name, part, rest.strip(), "before the first page")


def _tail(name: str, part: _Part, rest: bytes, where: str) -> Iterator[BadRecord]:
    """Check what follows a page or the head: nothing, or the dump's end, which the last part must have."""
    if rest not in (b"", b"</mediawiki>"):
        yield bad(name, part.offset, f"not a page, {where}", rest)
    elif part.is_last and not rest:
        yield bad(name, part.offset, "the dump breaks off: no </mediawiki> behind what begins here", b"")
