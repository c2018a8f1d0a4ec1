"""Reader of plain text: one document a file, a line, or whatever a separator parts."""

from collections.abc import Iterator

from corpuskit.documents.jsonl import BOM, nonblank_lines
from corpuskit.documents.pieces import FileRange, Piece
from corpuskit.documents.records import ALL, BadRecord, Choice, Document, Malformed, Parse, Raw, Records, bad, collect
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import Damaged, blocks, read_all, split


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    r"""Read the documents of a piece.

    `line`: without its "\n" or "\r\n"; blank lines are skipped and not counted. `separator`: exactly what stands
    between two separators; parts of white space only are skipped and not counted. `file`: the whole file; an empty file
    is a document with empty text.
    """
    cut = {"file": _whole_file, "line": nonblank_lines, "separator": _separated}[source.document]
    raws = (raw for file in piece.files for raw in cut(file, source))
    return collect(raws, parser(source), source.name, choice)


def _whole_file(file: FileRange, source: SourceConfig) -> Iterator[Raw | BadRecord]:
    try:
        yield file.name, 0, read_all(file, source.storage_options).removeprefix(BOM)
    except Damaged as damage:
        yield bad(file.name, damage.offset, str(damage), damage.raw)


def _separated(file: FileRange, source: SourceConfig) -> Iterator[Raw | BadRecord]:
    separator = source.separator.encode(source.encoding)
    try:
        for offset, part in split(blocks(file, source.storage_options), separator):
            if file.stop is not None and offset >= file.stop:
                return
            if part and not part.isspace():
                yield file.name, offset, part if offset else part.removeprefix(BOM)
    except Damaged as damage:
        yield bad(file.name, damage.offset, str(damage), damage.raw)


def parser(source: SourceConfig) -> Parse:
    """Return the function that turns raw text into a document."""
    encoding, by_line = source.encoding, source.document == "line"

    def parse(name: str, offset: int, data: bytes) -> tuple[Document]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            raise Malformed(f"not {encoding}: {error.reason} at byte {offset + error.start}") from None
        return (Document(f"{name}:{offset}", text.removesuffix("\r") if by_line else text),)

    return parse
