"""bzip2 files of many streams: decoded from any stream on, past those that are damaged."""

import bz2
import re
from collections.abc import Generator, Iterator
from typing import IO, Any, NamedTuple

from corpuskit import storage
from corpuskit.documents.pieces import FileRange, check_unchanged

FEED = 1 << 16
"""Compressed bytes given to the decoder at a time."""
OUTPUT = 1 << 20
"""Decompressed bytes taken from it at a time, however far they expand."""
MAGIC = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
"""How a stream begins: the header, then the mark of a block or, in an empty stream, of the end."""
MAGIC_BYTES = 10
BLOCK = 1 << 20
"""Bytes read at a time in search of a stream."""
JUNK = "not a bzip2 stream"
"""Damage between streams; ranges leave it to the reader of the stream before it."""


class Chunk(NamedTuple):
    """Decompressed bytes of one stream, or the damage that ends it."""

    offset: int
    data: bytes
    damage: str = ""


def chunks(file: FileRange, options: dict[str, Any]) -> Iterator[Chunk]:
    """Give the bytes of the streams that begin at `file.start` or later, to the file's end; `offset` is the stream's.

    Whoever reads a range stops by itself, once it has completed what began before `file.stop`. A range in which no
    stream begins gives nothing. A damaged stream is a chunk with `damage`; the next stream is found by its magic
    bytes. Zero bytes between streams are padding; other bytes there are damage at their own offset.

    Raises:
        InputError: the file is gone or has changed since it was planned.
    """
    check_unchanged(file, options)
    with storage.open_input(file.path, options) as raw:
        position = _first(raw, file)
        while position is not None:
            position = yield from _stream(raw, position)


def _first(raw: IO[bytes], file: FileRange) -> int | None:
    """Return where the first stream of a range begins; 0 for a file's beginning, whatever is there."""
    if not file.start:
        return _after_zeros(raw, 0)
    return _find(raw, file.start, file.stop)


def _stream(raw: IO[bytes], start: int) -> Generator[Chunk, None, int | None]:
    """Give the chunks of the stream at `start`; return where the next one begins, None at the end of the file."""
    raw.seek(start)
    if not MAGIC.match(raw.read(MAGIC_BYTES)):
        yield Chunk(start, b"", JUNK)
        return _find(raw, start + 1)
    decoder = bz2.BZ2Decompressor()
    try:
        yield from (Chunk(start, data) for data in _decode(raw, start, decoder))
    except (OSError, EOFError) as error:
        if getattr(error, "errno", None) is not None:  # the disk, not the data
            raise
        yield Chunk(start, b"", f"bzip2 stream is {error if isinstance(error, EOFError) else 'corrupt'}")
        return _find(raw, start + 1)
    return _after_zeros(raw, raw.tell() - len(decoder.unused_data))


def _decode(raw: IO[bytes], start: int, decoder: bz2.BZ2Decompressor) -> Iterator[bytes]:
    raw.seek(start)
    while not decoder.eof:
        feed = raw.read(FEED) if decoder.needs_input else b""
        if decoder.needs_input and not feed:
            raise EOFError("truncated")
        if data := decoder.decompress(feed, OUTPUT):
            yield data


def _after_zeros(raw: IO[bytes], position: int) -> int | None:
    """Return the position of the first byte that is not zero."""
    raw.seek(position)
    while block := raw.read(FEED):
        if rest := block.lstrip(b"\0"):
            return position + len(block) - len(rest)
        position += len(block)
    return None


def _find(raw: IO[bytes], start: int, stop: int | None = None) -> int | None:
    """Return where the first stream begins in [start, stop), by its magic bytes."""
    raw.seek(start)
    window = b""
    while stop is None or start < stop:
        block = raw.read(BLOCK)
        if not block:
            break
        window += block
        if found := MAGIC.search(window):
            position = start + found.start()
            return position if stop is None or position < stop else None
        start += max(len(window) - MAGIC_BYTES + 1, 0)
        window = window[1 - MAGIC_BYTES :]
    return None
