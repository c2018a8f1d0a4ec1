"""Reader of MediaWiki XML dumps such as Wikipedia's: articles as plain text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import quote
from xml.parsers import expat

import orjson

from corpuskit.documents.dump import Site, is_bzip2, pages, read_site
from corpuskit.documents.pages import Page, ParsePage, RawPage, Skipped, collect_pages
from corpuskit.documents.pieces import FileRange, Piece, allotments, pack
from corpuskit.documents.records import ALL, READ_SCHEMA, Choice, Document, Malformed, Records, to_seconds
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import codec
from corpuskit.documents.wikiblocks import dropped_links
from corpuskit.documents.wikitext import require_parser, to_text

ARTICLES = frozenset({0})
"""Numbers of the namespaces that are read; all others are skipped."""
EXPANSION = 4
"""Estimated bytes of XML per byte of a compressed dump."""
MAX_WIKITEXT = 4 << 20
"""Characters of a page's wikitext; MediaWiki accepts 2 MiB (`$wgMaxArticleSize`)."""
MAX_DEPTH = 16
"""Elements inside one another; the export format has 4."""
SAFE = "/:;@$!*(),~"
"""What page addresses hold unescaped besides letters and digits: MediaWiki's `wfUrlencode`."""
FIELDS = ("title", "ns", "id", "redirect", "revision/id", "revision/timestamp", "revision/model", "revision/text")


def plan(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Cut bzip2 dumps into byte ranges of about `split_bytes` of XML; other dumps stay whole.

    Raises:
        MissingExtra: mwparserfromhell is not installed.
    """
    require_parser()
    ranges: list[tuple[FileRange, int]] = []
    for file, limit in zip(files, allotments(files, source.max_bytes), strict=True):
        if is_bzip2(file):
            ranges += _cut(file, limit, split_bytes)
        else:
            size = file.size * (EXPANSION if codec(file.path) else 1)
            ranges.append((replace(file, stop=limit), limit or size))
    return pack(source, ranges, split_bytes)


def _cut(file: FileRange, limit: int | None, split_bytes: int) -> list[tuple[FileRange, int]]:
    end = file.size if limit is None else min(file.size, -(-limit // EXPANSION))
    edges = [*range(0, max(end, 1), max(split_bytes // EXPANSION, 1)), end]
    return [(replace(file, start=start, stop=stop), (stop - start) * EXPANSION) for start, stop in pairwise(edges)]


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read the articles of a piece: id, title, revision and text of the last revision that a page holds.

    Redirects, pages of other namespaces and pages that are no wikitext are skipped. Batches are of `READ_SCHEMA`.

    Raises:
        InputError: a file is gone or has changed since it was planned.
        MissingExtra: mwparserfromhell is not installed.
    """
    require_parser()
    sites = {file.name: read_site(file, source.storage_options) for file in piece.files}
    raws = (raw for file in piece.files for raw in pages(file, source.storage_options))
    for records in collect_pages(raws, parser(sites), source.name, choice):
        yield records._replace(documents=records.documents.select(READ_SCHEMA.names))


def parser(sites: dict[str, Site]) -> ParsePage:
    """Return the function that turns a page's XML into an article; `sites` are the wikis by the name of their file."""
    links = {name: dropped_links(site.namespaces) for name, site in sites.items()}

    def parse(raw: RawPage) -> Page | Skipped:
        fields = parse_xml(raw.data)
        if reason := _reason_to_skip(fields):
            return Skipped(reason)
        wikitext = fields.get("revision/text", "")
        if len(wikitext) > MAX_WIKITEXT:
            raise Malformed(f"{len(wikitext):,} characters of wikitext; at most {MAX_WIKITEXT:,} are read")
        return Page(_article(fields, to_text(wikitext, links[raw.file]), sites[raw.file]))

    return parse


def _article(fields: dict[str, str], text: str, site: Site) -> Document:
    title = fields["title"]
    metadata: dict[str, Any] = {"title": title, "namespace": int(fields["ns"]), "revision": fields.get("revision/id")}
    return Document(
        fields["id"],
        text,
        site.root + quote(title.replace(" ", "_"), SAFE) if site.root else None,
        to_seconds(fields.get("revision/timestamp")),
        orjson.dumps(metadata).decode(),
    )


def _reason_to_skip(fields: dict[str, str]) -> str:
    """Return why a page is no article; empty for an article.

    Raises:
        Malformed: it has no id, title or namespace.
    """
    for name, pattern in {"id": r"[0-9]+", "title": r".+", "ns": r"-?[0-9]{1,4}"}.items():
        if not re.fullmatch(pattern, fields.get(name, "")):
            raise Malformed(f"the page's <{name}> is {fields[name]!r}" if name in fields else f"no <{name}>")
    model = fields.get("revision/model", "wikitext")
    if not re.fullmatch(r"[\w.-]{1,40}", model):
        raise Malformed(f"the revision's <model> is {model!r}")
    if int(fields["ns"]) not in ARTICLES:
        return f"namespace {int(fields['ns'])}"
    if "redirect" in fields:
        return "redirect"
    return "" if model == "wikitext" else f"content model {model}"


def parse_xml(data: bytes) -> dict[str, str]:
    """Return the fields of one `<page>` by their path in it; of several revisions, those of the last.

    Entities cannot be declared in a part of a document, so none expands but the five of XML itself.

    Raises:
        Malformed: it is not well-formed XML, or nested more than `MAX_DEPTH` deep.
    """
    fields: dict[str, list[str]] = {}
    path: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        if len(path) > MAX_DEPTH:
            raise Malformed("elements are nested too deep")
        inside = "/".join(path[1:])
        if inside == "revision":
            for field in [field for field in fields if field.startswith("revision/")]:
                del fields[field]
        elif inside in FIELDS:
            fields[inside] = []

    def text(part: str) -> None:
        if (inside := "/".join(path[1:])) in fields:
            fields[inside].append(part)

    reader = expat.ParserCreate("utf-8")
    reader.buffer_text = True
    reader.StartElementHandler, reader.CharacterDataHandler = start, text
    reader.EndElementHandler = lambda name: path.pop()
    try:
        reader.Parse(data, True)
    except expat.ExpatError as error:
        raise Malformed(f"not XML: {error}") from None
    return {name: "".join(parts) for name, parts in fields.items()}
