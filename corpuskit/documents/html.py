"""Reader of HTML files, alone or in tar archives: one page a file, as its bytes are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from corpuskit.documents.pages import Page, RawPage, Skipped, collect_pages
from corpuskit.documents.pieces import FileRange, Piece, pack
from corpuskit.documents.records import ALL, BadRecord, Choice, Document, Malformed, Records, bad
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import CODECS, Damaged, blocks, codec, decompress
from corpuskit.documents.tar import MAX_MEMBER, members
from corpuskit.errors import InputError

HTML = (".html", ".htm", ".xhtml")
TAR = (".tar", ".tgz", ".tar.gz", ".tar.zst")
PACKED = (".bz2", ".xz", ".lzma", ".br", ".lz4", ".z", ".7z", ".rar", ".zip")
"""Suffixes of compressed files that are not read: their bytes must not be taken for a page."""
EXPANSION = 4
"""Estimated bytes of HTML per byte of a compressed file."""
MAX_PAGE = MAX_MEMBER
"""Bytes of a page; it is held in memory."""
HEAD = 1 << 16
"""Where to look for a page's address: this many bytes from the beginning."""
ADDRESS = re.compile(
    rb"<link\b(?=[^<>]*\brel\s*=\s*[\"']?canonical\b)[^<>]*\bhref\s*=\s*[\"']?([^\"'\s<>]+)"
    rb"|<meta\b(?=[^<>]*\bproperty\s*=\s*[\"']?og:url\b)[^<>]*\bcontent\s*=\s*[\"']?([^\"'\s<>]+)",
    re.I,
)


def plan(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Group files into pieces by size; an archive stays whole. `max_bytes` takes the first files and members.

    Raises:
        InputError: a file is compressed in a way that is not read.
    """
    ranges: list[tuple[FileRange, int]] = []
    left = source.max_bytes
    for file in files:
        if file.path.lower().endswith(PACKED):
            raise InputError(f"{file.path}: of compressed files, those with {', '.join(CODECS)} are read; unpack it")
        size = file.size * (EXPANSION if codec(file.path) else 1)
        if left is not None:
            if ranges and (left <= 0 or (size > left and not is_tar(file.path))):
                break
            file, size = replace(file, stop=left) if is_tar(file.path) else file, min(size, left)
            left -= size
        ranges.append((file, size))
    return pack(source, ranges, split_bytes)


def is_tar(path: str) -> bool:
    """Whether a file is an archive, by its suffix."""
    return path.lower().endswith(TAR)


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read the pages of a piece: bytes as `payload`, id `<name>` or `<archive>:<member>`, the URL that the page states.

    Pages compressed by gzip or zstd, in archives too, are decompressed. Members that are hidden (`is_hidden`) or of
    other kinds than HTML are skipped; empty files and those over `MAX_PAGE` are errors.

    Raises:
        InputError: a file is gone or has changed since it was planned.
    """
    raws = (
        raw for file in piece.files for raw in (_members if is_tar(file.path) else _page)(file, source.storage_options)
    )
    return collect_pages(raws, parse, source.name, choice)


def _page(file: FileRange, options: dict[str, Any]) -> Iterator[RawPage | BadRecord]:
    try:
        yield RawPage(file.name, 0, _bounded(blocks(file, options)), file.name)
    except (Damaged, Malformed) as error:
        yield bad(file.name, 0, str(error), b"")


def _bounded(parts: Iterator[bytes]) -> bytes:
    """Join the parts of a page.

    Raises:
        Malformed: they are too many.
        Damaged: as the parts do.
    """
    held = bytearray()
    for part in parts:
        held += part
        if len(held) > MAX_PAGE:
            raise Malformed(f"over {MAX_PAGE >> 20} MiB")
    return bytes(held)


def _members(file: FileRange, options: dict[str, Any]) -> Iterator[RawPage | BadRecord]:
    for member in members(blocks(file, options), _is_wanted):
        if file.stop is not None and member.offset >= file.stop:
            return
        if member.broken:
            name = f"{member.name}: " if member.name else ""
            yield bad(file.name, member.offset, f"{name}{member.broken}", member.data)
        else:
            yield RawPage(file.name, member.offset, member.data, f"{file.name}:{member.name}")


def is_hidden(member: str) -> bool:
    """Whether a member's name, or that of a folder it lies in, begins with a dot, as the `._` files of macOS do."""
    return any(part.startswith(".") and part not in (".", "..") for part in member.split("/"))


def _is_wanted(member: str) -> bool:
    return is_html(member) and not is_hidden(member)


def is_html(name: str) -> bool:
    """Whether a file is a page, by its suffix, that of its compression aside."""
    return str(_without_packing(name)).lower().endswith(HTML)


def _without_packing(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    return path.with_suffix("") if codec(name) else path


def parse(raw: RawPage) -> Page | Skipped:
    """Return a page with its payload; members of archives by their suffix.

    Raises:
        Malformed: it is empty, or its compressed data are damaged.
    """
    data = raw.data
    if raw.id != raw.file:  # a member
        if is_hidden(raw.id.removeprefix(f"{raw.file}:")):
            return Skipped("hidden")
        if not is_html(raw.id):
            suffix = _without_packing(raw.id).suffix.lower()
            return Skipped(f"not HTML: {suffix}" if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else "not HTML")
        data = _unpacked(raw.id, data)
    if not data:
        raise Malformed("empty file")
    return Page(Document(raw.id, "", page_url(data)), data)


def _unpacked(name: str, data: bytes) -> bytes:
    packing = codec(name)
    if packing is None:
        return data
    try:
        return _bounded(decompress(iter([data]), packing))
    except Damaged as damage:
        raise Malformed(str(damage)) from None


def page_url(html: bytes) -> str | None:
    """Return the address a page states in its first 64 KiB: the canonical link, or else Open Graph's `og:url`."""
    found = [match.groups() for match in ADDRESS.finditer(html[:HEAD])]
    canonical = next((link for link, _ in found if link), None)
    address = canonical or next((meta for _, meta in found if meta), b"")
    url = unescape(address.decode(errors="replace"))
    return url if re.fullmatch(r"https?://[^\s/].*", url) and "\ufffd" not in url else None
