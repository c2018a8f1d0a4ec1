"""Reader of web archives: WARC (pages as they were sent) and WET (their text); plain, gzip, zstd."""

import codecs
import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import zstandard

from corpuskit import storage
from corpuskit.documents.frames import Frames, begins
from corpuskit.documents.http_body import decode_body
from corpuskit.documents.members import DICTIONARY, GZIP, SKIPPABLE, ZSTD_MAGIC, File, Members, zstd
from corpuskit.documents.pages import Page, ParsePage, RawPage, Skipped, collect_pages
from corpuskit.documents.pieces import FileRange, Piece, allotments, check_unchanged
from corpuskit.documents.ranges import LOOKBACK, member_range, plain_range
from corpuskit.documents.records import ALL, BadRecord, Choice, Document, Malformed, Records, bad, to_seconds
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import codec
from corpuskit.errors import MissingExtra

EXPANSION = 5
"""Estimated bytes of pages per byte of a compressed file."""
KINDS = frozenset({"warcinfo", "resource", "request", "metadata", "revisit", "continuation"})
"""Record types that hold no page."""
HTML = frozenset({"text/html", "application/xhtml+xml"})
UNKNOWN = frozenset({"", "application/octet-stream", "application/unknown", "unknown/unknown", "*/*"})
"""MIME types that say nothing; the body is looked at then."""
MIME = re.compile(r"[a-z]+/[a-z0-9.+*_-]+")
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|h1|div|table)[\s>]", re.IGNORECASE)
SNIFFED = 1024
"""Bytes of a body of unknown type that are searched for `MARKUP`."""
NAMED_MIMES: dict[str, tuple[str, ...]] = {
    "application": ("json", "javascript", "msword", "pdf", "rss+xml", "x-javascript", "xml", "zip"),
    "audio": ("mpeg",),
    "font": (),
    "image": ("gif", "jpeg", "png", "svg+xml", "webp", "x-icon"),
    "multipart": (),
    "text": ("calendar", "css", "csv", "html", "javascript", "plain", "xml"),
    "video": ("mp4",),
}
"""MIME types that `skipped` counts by name, to have few of them; all others are counted by kind."""
KEPT = {
    "warc-payload-digest": "payload_digest",
    "warc-truncated": "truncated",
    "warc-refers-to": "refers_to",
    "warc-identified-payload-type": "payload_type",
}
"""Fields of the WARC header that are kept as metadata, and their names there."""
NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Codecs of Python that are no encodings of web pages (https://encoding.spec.whatwg.org/#names-and-labels)."""
WINDOWS_1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}
"""What web pages mean by the control characters of ISO 8859-1 (same standard)."""

Fields = dict[str, str]
"""The WARC header: names in lower case."""


def plan(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Cut files into ranges of about `split_bytes` as they are stored, each a piece.

    With `max_bytes`, a file is one piece, which ends after its share of decompressed bytes. Files are cut by their size
    alone, because a crawl has many and their beginnings are far away: of one that has no record to begin a range with,
    the first piece reads all, and the others find out from its beginning that nothing is theirs.
    """
    ranges: list[tuple[FileRange, int]] = []
    for file, limit in zip(files, allotments(files, source.max_bytes), strict=True):
        ranges += _cut(file, split_bytes) if limit is None else [(replace(file, stop=limit), limit)]
    return [Piece(index, (file,), size, source.format) for index, (file, size) in enumerate(ranges)]


def _cut(file: FileRange, split_bytes: int) -> list[tuple[FileRange, int]]:
    """Return ranges of a file, of `LOOKBACK` bytes at least, and the estimated bytes of pages in each.

    Their text is about a quarter of what a compressed crawl stores, and less of a plain one: a range makes one part.
    """
    expansion = EXPANSION if codec(file.path) else 1
    count = -(-file.size // max(split_bytes, LOOKBACK))
    if count < 2:
        return [(file, file.size * expansion)]
    edges = [file.size * number // count for number in range(count + 1)]
    return [(replace(file, start=start, stop=stop), (stop - start) * expansion) for start, stop in pairwise(edges)]


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read the pages of a piece, in batches of `PAGE_SCHEMA`.

    Responses in HTML come as `payload`; plain text and conversion records (WET) as `text`. Other records, other types
    and HTTP errors are skipped and counted.

    Raises:
        MissingExtra: FastWARC is not installed.
        InputError: a file is gone or has changed since it was planned.
    """
    limited = source.max_bytes is not None
    raws = (raw for file in piece.files for raw in records(file, source.storage_options, limited))
    return collect_pages(raws, parser(), source.name, choice)


def records(file: FileRange, options: dict[str, Any], limited: bool = False) -> Iterator[RawPage | BadRecord]:
    """Give the records of a range as they are, header included, and what cannot be read as bad records.

    Ranges that share an edge give together what the whole file gives, wherever the edge falls.

    Args:
        file: the range, in bytes of the file as stored.
        options: credentials and settings of the file's storage.
        limited: `file.stop` counts decompressed bytes instead, and `file.start` is 0.

    Raises:
        InputError: the file is gone or has changed since it was planned.
    """
    check_unchanged(file, options)
    with storage.open_input(file.path, options) as stream:
        stored = File(stream)
        packing = _packing(stored.exactly(0, 4), file.path)
        if packing is None:
            yield from plain_range(stored, file)
            return
        try:
            members = _members(stored, packing)
        except zstandard.ZstdError as error:
            if not file.start:
                message = f"the zstd dictionary, which the whole file needs, is corrupt: {error}"
                yield bad(file.name, 0, message, stored.exactly(0, 8))
            return
        if limited:
            yield from Frames(file.name, members, file.stop)
        else:
            yield from member_range(members, file)


def _members(stored: File, packing: str) -> Members:
    """Return the members of a compressed file.

    Raises:
        zstandard.ZstdError: its dictionary cannot be read.
    """
    compression, start = zstd(stored) if packing == "zstd" else (GZIP, 0)
    return Members(stored, compression, begins, start)


def _packing(magic: bytes, path: str) -> str | None:
    """Return how a file is compressed: by its first bytes, or where they are damaged by its suffix."""
    if magic.startswith(GZIP.magic):
        return "gzip"
    if magic in (ZSTD_MAGIC, DICTIONARY) or magic[1:] == SKIPPABLE:
        return "zstd"
    found = codec(path)
    return found.name if found and magic != b"WARC" else None


def parser() -> ParsePage:
    """Return the function that turns a WARC record into a page.

    Raises:
        MissingExtra: FastWARC is not installed.
    """
    try:
        from fastwarc.warc import WarcRecord
    except ImportError as error:
        raise MissingExtra("fastwarc", "web", "reading WARC files") from error

    def parse(raw: RawPage) -> Page | Skipped:
        try:
            record = WarcRecord.from_reader(io.BytesIO(raw.data), quirks_mode=True)
        except (OSError, ValueError) as error:
            raise Malformed(f"not a WARC record: {error}") from None
        fields = {name.lower(): value for name, value in reversed(record.headers.items())}  # of doubles, the first
        kind = fields.get("warc-type", "").lower()
        if kind == "response":
            return _response(raw, record, fields)
        if kind == "conversion":
            return _conversion(raw, record, fields)
        return Skipped(kind if kind in KINDS else "unknown WARC-Type")

    return parse


def _conversion(raw: RawPage, record: Any, fields: Fields) -> Page | Skipped:
    mime, charset = content_type(fields.get("content-type"))
    if mime != "text/plain" and mime not in UNKNOWN:
        return Skipped(f"conversion to {_reason(mime)}")
    text = decode_text(record.reader.read(), charset)
    return Page(_document(raw, fields, text, {"type": "conversion", "mime": mime, "http_charset": charset}))


def _response(raw: RawPage, record: Any, fields: Fields) -> Page | Skipped:
    if not record.is_http:
        mime, _ = content_type(fields.get("content-type"))
        if mime not in UNKNOWN and mime != "application/http":
            return Skipped("response not of HTTP")
        record.is_http = True
    try:
        record.parse_http(quirks_mode=True)
    except (OSError, ValueError) as error:
        raise Malformed(f"not an HTTP response: {error}") from None
    status = record.http_headers.status_code
    if status is None:
        raise Malformed("not an HTTP response: no status")
    if not 200 <= status < 300:
        return Skipped(f"HTTP status {status if 100 <= status < 600 else 'unknown'}")
    return _page(raw, record, fields, status)


def _page(raw: RawPage, record: Any, fields: Fields, status: int) -> Page | Skipped:
    http = record.http_headers
    mime, charset = content_type(http.get("Content-Type"))
    if mime not in HTML and mime not in UNKNOWN and mime != "text/plain":
        return Skipped(f"not HTML: {_reason(mime)}")
    encodings = http.get("Transfer-Encoding") or "", http.get("Content-Encoding") or ""
    body = decode_body(record.reader.read(), *encodings, cut="warc-truncated" in fields)
    if not body and mime != "text/plain":
        raise Malformed("empty payload")
    metadata = {
        "type": "response",
        "status": status,
        "mime": mime,
        "http_charset": charset,
        "content_language": http.get("Content-Language"),
        "last_modified": http.get("Last-Modified"),
    }
    if mime == "text/plain":
        return Page(_document(raw, fields, decode_text(body, charset), metadata))
    if mime in UNKNOWN and not MARKUP.search(body, 0, SNIFFED):
        return Skipped("not HTML: unknown type")
    return Page(_document(raw, fields, "", metadata), body, charset)


def _document(raw: RawPage, fields: Fields, text: str, metadata: dict[str, Any]) -> Document:
    metadata |= {name: _bare(fields.get(field)) for field, name in KEPT.items()}
    if languages := fields.get("warc-identified-content-language"):
        metadata["languages"] = [language.strip() for language in languages.split(",")]
    date = fields.get("warc-date")
    seconds = to_seconds(date)
    if seconds is None:
        metadata["warc_date"] = date
    kept = {name: value for name, value in metadata.items() if value not in (None, "")}
    return Document(
        _bare(fields.get("warc-record-id")) or raw.id,
        text,
        _bare(fields.get("warc-target-uri")) or None,
        seconds,
        orjson.dumps(kept).decode(),
    )


def _bare(value: str | None) -> str:
    """Return an id or URI without the angle brackets around it (old versions of Wget put them around URIs too)."""
    value = (value or "").strip()
    return value[1:-1].strip() if value[:1] == "<" and value[-1:] == ">" else value


def content_type(value: str | None) -> tuple[str, str | None]:
    """Return (MIME type in lower case, or empty where it is none; charset label or None) of a Content-Type field."""
    kind, _, parameters = (value or "").partition(";")
    mime = kind.strip().lower()
    charset = CHARSET.search(parameters)
    return mime if MIME.fullmatch(mime) or mime in UNKNOWN else "", charset[1] if charset else None


def _reason(mime: str) -> str:
    """Return a MIME type, or its kind where it is a rare one: anybody can make up new ones."""
    kind, _, name = mime.partition("/")
    if kind not in NAMED_MIMES:
        return "other type"
    return mime if name in NAMED_MIMES[kind] else f"other {kind}"


def decode_text(data: bytes, charset: str | None) -> str:
    """Decode plain text; a byte order mark is left out.

    Bytes beyond ASCII that are valid UTF-8 are UTF-8 whatever the label says, as in `corpuskit.extract`; else the label
    decides, UTF-8 without one.

    Raises:
        Malformed: the label is unknown, or the bytes are not of that encoding.
    """
    if not data.isascii():
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode().removeprefix("\ufeff")
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
        if name in NO_CHARSETS:
            raise LookupError
        if name in ("iso8859-1", "ascii"):
            return data.decode("latin-1").translate(WINDOWS_1252)
        text = data.decode(name)
        if name != "utf-8":
            text.encode()  # some codecs let lone surrogates through
        return text.removeprefix("\ufeff")
    except UnicodeError as error:
        raise Malformed(f"text is not {charset or 'UTF-8'}: {error}"[:200]) from None
    except (LookupError, ValueError):  # ValueError: NUL in the label
        raise Malformed(f"unknown charset: {(charset or '')[:40]!r}") from None
