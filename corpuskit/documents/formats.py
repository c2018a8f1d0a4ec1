"""The input formats: their suffixes, how they are planned and how they are read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from corpuskit.documents import arrow, html, jsonl, parquet, pydocs, text, warc, wikipedia
from corpuskit.documents.pieces import FileRange, Piece, allotments, list_files, pack
from corpuskit.documents.records import ALL, Choice, Records
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import CODECS, codec
from corpuskit.errors import InputError

EXPANSION = 4
"""Estimated bytes of text per byte of a compressed file."""

Plan = Callable[[SourceConfig, Sequence[FileRange], int], list[Piece]]
Read = Callable[[Piece, SourceConfig, Choice], Iterator[Records]]


class Format(NamedTuple):
    """One input format."""

    suffixes: tuple[str, ...]
    plan: Plan
    """(source, files, split_bytes) -> pieces; the same pieces for the same files, whatever their order on disk."""
    read: Read
    """(piece, source, choice of records) -> batches."""
    packings: tuple[str, ...] = ()
    """Suffixes of compressed files, which follow those of the format."""
    libraries: tuple[str, ...] = ()
    """Distributions that decide its documents, besides those that all reading needs."""
    pages: bool = False
    """Whether it gives web pages (`PAGE_SCHEMA`), whose text is still to be extracted."""


def plan_streams(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Plan JSONL and text: long plain files by lines are cut into byte ranges, all others stay whole."""
    by_line = source.format == "jsonl" or source.document == "line"
    if source.format == "text" and source.document == "file":
        chosen = [(file, _text_size(file)) for file in _first(files, source.max_bytes)]
        return pack(source, chosen, split_bytes)
    limits = allotments(files, source.max_bytes)
    ranges: list[tuple[FileRange, int]] = []
    for file, limit in zip(files, limits, strict=True):
        if by_line and codec(file.path) is None:
            ranges += _cut(file, min(file.size, limit or file.size), split_bytes)
        else:
            ranges.append((replace(file, stop=limit), limit or _text_size(file)))
    return pack(source, ranges, split_bytes)


def _cut(file: FileRange, end: int, split_bytes: int) -> list[tuple[FileRange, int]]:
    edges = [*range(0, end, split_bytes), end]
    return [(replace(file, start=start, stop=stop), stop - start) for start, stop in pairwise(edges)]


def _text_size(file: FileRange) -> int:
    return file.size * (EXPANSION if codec(file.path) else 1)


def _first(files: Sequence[FileRange], max_bytes: int | None) -> list[FileRange]:
    """Return the first files, until one more would pass `max_bytes`; one at least."""
    total = 0
    chosen: list[FileRange] = []
    for file in files:
        total += _text_size(file)
        if chosen and max_bytes is not None and total > max_bytes:
            break
        chosen.append(file)
    return chosen


PACKINGS = tuple(CODECS)
FORMATS = {
    "jsonl": Format((".jsonl", ".ndjson", ".json"), plan_streams, jsonl.read, PACKINGS),
    "parquet": Format((".parquet", ".pq"), parquet.plan, parquet.read),
    "arrow": Format((".arrow", ".arrows", ".ipc", ".feather"), arrow.plan, arrow.read),
    "text": Format((".txt", ".text", ".md", ".rst"), plan_streams, text.read, PACKINGS),
    "warc": Format((".warc", ".wet"), warc.plan, warc.read, PACKINGS, ("fastwarc",), pages=True),
    "wikipedia": Format((".xml",), wikipedia.plan, wikipedia.read, (*PACKINGS, ".bz2"), ("mwparserfromhell",)),
    "html": Format((".html", ".htm", ".xhtml", ".tar", ".tgz"), html.plan, html.read, PACKINGS, pages=True),
    "pydocs": Format((), pydocs.plan, pydocs.read),
}


def suffixes(name: str) -> tuple[str, ...]:
    """Return all file suffixes of a format, compressed forms included."""
    found = FORMATS[name]
    return (*found.suffixes, *(suffix + packing for suffix in found.suffixes for packing in found.packings))


def plan(source: SourceConfig, split_bytes: int) -> list[Piece]:
    """Return the pieces of a source: the same for the same files, sorted by path.

    Raises:
        InputError: a path matches no file, or the format of the files is unknown or mixed.
    """
    if source.format == "pydocs":
        return pydocs.plan(source, (), split_bytes)
    files = list_files(source, None if source.format == "auto" else suffixes(source.format))
    if source.format == "auto":
        source = source.model_copy(update={"format": _detect(source, files)})
    return FORMATS[source.format].plan(source, files, split_bytes)


def _detect(source: SourceConfig, files: Sequence[FileRange]) -> str:
    examples = {_format_of(file.path): file.path for file in reversed(files)}
    if len(examples) > 1:
        found = ", ".join(f"{name} ({path})" for name, path in sorted(examples.items()))
        raise InputError(
            f"source {source.name!r} has files of several formats: {found}; "
            "set `format` to take one of them, or name the files"
        )
    return next(iter(examples))


def _format_of(path: str) -> str:
    for name in FORMATS:
        if path.lower().endswith(suffixes(name)):
            return name
    known = ", ".join(suffix for name in FORMATS for suffix in FORMATS[name].suffixes)
    packed = ", ".join(name for name in FORMATS if FORMATS[name].packings)
    raise InputError(
        f"{path}: unknown suffix; known are {known} ({packed} also with {', '.join(CODECS)}); "
        "set `format` for files with other names"
    )


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read a piece in batches of about 8 MiB of text; malformed records come beside the documents."""
    return FORMATS[piece.format].read(piece, source, choice)
