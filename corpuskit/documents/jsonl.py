"""Reader of JSON lines: plain, gzip, zstd; one bad line is one bad record."""

from collections.abc import Iterator
from typing import Any

import orjson

from corpuskit.documents.pieces import FileRange, Piece
from corpuskit.documents.records import (
    ALL,
    BadRecord,
    Choice,
    Document,
    Malformed,
    Parse,
    Raw,
    Records,
    bad,
    collect,
    to_seconds,
)
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import Damaged, lines

BOM = b"\xef\xbb\xbf"
NAMED = 8
"""Fields of a record without text that a message names."""


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read the lines of a piece. Blank lines are no records: they are skipped and not counted."""
    raws = (raw for file in piece.files for raw in nonblank_lines(file, source))
    return collect(raws, parser(source), source.name, choice)


def nonblank_lines(file: FileRange, source: SourceConfig) -> Iterator[Raw | BadRecord]:
    """Give the lines of a file that hold more than white space; damage ends the file with one bad record."""
    name = file.name
    try:
        for offset, line in lines(file, source.storage_options):
            if offset == 0:
                line = line.removeprefix(BOM)
            if line and not line.isspace():
                yield name, offset, line
    except Damaged as damage:
        yield bad(name, damage.offset, str(damage), damage.raw)


def parser(source: SourceConfig) -> Parse:
    """Return the function that turns one line into a document."""
    text_field, id_field, loads = source.text, source.id, orjson.loads
    encoding = None if source.encoding == "utf-8" else source.encoding

    def parse(name: str, offset: int, line: bytes) -> tuple[Document]:
        try:
            record = loads(line if encoding is None else line.decode(encoding))
        except ValueError as error:  # of JSON or of the encoding
            raise Malformed(f"not JSON: {error}") from None
        if not isinstance(record, dict):
            raise Malformed(f"not a JSON object but {_kind(record)}")
        text = record.pop(text_field, None)
        if not isinstance(text, str):
            raise Malformed(f"field {text_field!r} is {_kind(text)}, expected a string{_others(record)}")
        document_id = record.pop(id_field, None)
        if document_id is None:
            document_id = f"{name}:{offset}"
        elif not isinstance(document_id, str):
            document_id = _id(document_id, id_field)
        if not record:
            return (Document(document_id, text),)
        url = _take_url(record, source.url)
        seconds = _take_timestamp(record, source.timestamp)
        return (Document(document_id, text, url, seconds, _metadata(record) if record else None),)

    return parse


def _id(value: Any, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"field {field!r} is {_kind(value)}, expected a string or a number")
    return str(value)


def _take_url(record: dict[str, Any], field: str) -> str | None:
    """Take the URL out of the record; what is no string stays there, and so in the metadata."""
    return record.pop(field) if isinstance(record.get(field), str) else None


def _take_timestamp(record: dict[str, Any], field: str) -> int | None:
    """Take the time out of the record; what is not understood stays there, and so in the metadata."""
    if field not in record:
        return None
    seconds = to_seconds(record[field])
    if seconds is not None:
        del record[field]
    return seconds


def _metadata(record: dict[str, Any]) -> str:
    try:
        return orjson.dumps(record).decode()
    except TypeError as error:  # nested deeper than orjson writes
        raise Malformed(f"cannot be kept as metadata: {error}") from None


def _others(record: dict[str, Any]) -> str:
    """Name the other fields of a record, in which its text may lie."""
    names = [*record][:NAMED]
    return f"; the record's other fields: {', '.join(names)}{', …' if len(record) > NAMED else ''}" if names else ""


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "missing or null"}
    return kinds.get(type(value), "a number")
