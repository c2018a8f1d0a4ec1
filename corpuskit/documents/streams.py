"""Byte streams: decompression that survives damage, and splitting into records with offsets."""

import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any, NamedTuple

import zstandard

from corpuskit import storage
from corpuskit.documents.pieces import FileRange, check_unchanged

BLOCK = 1 << 20
"""Bytes read at a time."""
FEED = 1 << 14
"""Compressed bytes given to a decoder at a time: what lies in the same feed as damage is lost with it."""
OUTPUT = 1 << 16
"""Bytes of a zstd decoder's output buffer, which every feed fills anew: larger ones cost more than they save."""
MAX_WINDOW = 1 << 31
"""Largest zstd window (`--long=31`, as public dumps use it)."""


class Damaged(Exception):
    """The rest of a stream cannot be read; all that came before was given."""

    def __init__(self, message: str, offset: int = 0, raw: bytes = b"") -> None:
        super().__init__(message)
        self.offset = offset
        """Where the incomplete record begins, in bytes of the decompressed stream."""
        self.raw = raw
        """What could be read of the incomplete record."""


class Codec(NamedTuple):
    """How to decode one kind of compressed file: one decoder a gzip member or zstd frame."""

    name: str
    decoder: Callable[[], Any]
    error: type[Exception]


CODECS = {
    ".gz": Codec("gzip", lambda: zlib.decompressobj(wbits=31), zlib.error),
    ".zst": Codec(
        "zstd",
        lambda: zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj(write_size=OUTPUT),
        zstandard.ZstdError,
    ),
}


def codec(path: str) -> Codec | None:
    """Return how a file is compressed, by its suffix; None: it is plain."""
    name = path.lower().replace(".tgz", ".tar.gz")
    return next((found for suffix, found in CODECS.items() if name.endswith(suffix)), None)


def blocks(file: FileRange, options: dict[str, Any], start: int = 0) -> Iterator[bytes]:
    """Give a file's decompressed bytes in blocks; `start` skips bytes of a plain file.

    Raises:
        Damaged: a compressed file is truncated, corrupt, or followed by something else.
        InputError: the file is gone or has changed since it was planned.
    """
    check_unchanged(file, options)
    with storage.open_input(file.path, options) as stream:
        stream.seek(start)
        raw = iter(lambda: stream.read(BLOCK), b"")
        found = codec(file.path)
        yield from decompress(raw, found) if found else raw


def decompress(raw: Iterator[bytes], codec: Codec) -> Iterator[bytes]:
    """Decode all members or frames; zero bytes between and after them (padding of tapes and blocks) are no error.

    Raises:
        Damaged: one is truncated, corrupt, or followed by something else.
    """
    decoder, fresh = codec.decoder(), True
    for block in raw:
        for position in range(0, len(block), FEED):
            data = block[position : position + FEED]
            while data := data.lstrip(b"\0") if fresh else data:
                try:
                    output = decoder.decompress(data)
                except codec.error as error:
                    raise Damaged(f"{codec.name} stream is corrupt: {error}") from error
                if output:
                    yield output
                fresh, data = decoder.eof, decoder.unused_data if decoder.eof else b""
                if fresh:
                    decoder = codec.decoder()
    if not fresh:
        raise Damaged(f"{codec.name} stream is truncated")


def split(stream: Iterator[bytes], separator: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Cut a stream at a separator; give (offset of the record's first byte, record without separator).

    Memory is one record and one block. An empty stream has no record; a separator at the end adds none.

    Raises:
        Damaged: as the stream does, completed with the offset and the bytes of the record it broke off in.
    """
    overlap = len(separator) - 1
    held: list[bytes] = []  # the current record so far; its last item is short enough to be searched again
    try:
        for block in stream:
            if overlap and held:
                block = held.pop() + block
            first, *rest = block.split(separator)
            if rest:
                record = b"".join([*held, first])
                yield offset, record
                offset += len(record) + overlap + 1
                held = []
                *complete, first = rest
                for record in complete:
                    yield offset, record
                    offset += len(record) + overlap + 1
            held += [first[:-overlap], first[-overlap:]] if overlap else [first]
    except Damaged as damage:
        raise Damaged(str(damage), offset, b"".join(held)) from damage
    if last := b"".join(held):
        yield offset, last


def lines(file: FileRange, options: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    r"""Give (offset, line without "\n") of the lines that begin in the range [start, stop) of a file.

    Ranges that share an edge thus give every line once, wherever the edge falls.

    Raises:
        Damaged, InputError: as `blocks`.
    """
    if file.start and codec(file.path) is None:
        offset, stream = _skip_line(file, options)
        found = split(stream, b"\n", offset)
    else:
        found = split(blocks(file, options), b"\n")
    if file.stop is None:
        yield from found
        return
    for offset, line in found:
        if offset >= file.stop:
            return
        yield offset, line


def _skip_line(file: FileRange, options: dict[str, Any]) -> tuple[int, Iterator[bytes]]:
    """Return the offset and the bytes of what follows the line that began before the range; nothing past its stop."""
    offset = file.start - 1
    stream = blocks(file, options, offset)
    for block in stream:
        end = block.find(b"\n") + 1
        if end:
            return offset + end, chain([block[end:]], stream)
        offset += len(block)
        if file.stop is not None and offset >= file.stop:
            break
    return offset, iter(())


def read_all(file: FileRange, options: dict[str, Any]) -> bytes:
    """Return a whole file, decompressed.

    Raises:
        Damaged, InputError: as `blocks`.
    """
    parts: list[bytes] = []
    try:
        parts.extend(blocks(file, options))
    except Damaged as damage:
        raise Damaged(str(damage), 0, b"".join(parts)) from damage
    return b"".join(parts)


def binary_reader(path: str, options: dict[str, Any]) -> str | IO[bytes]:
    """Return what Arrow opens fastest: a local path, or an open remote file.

    A local file that Python has opened is worse than slow: a thread of Arrow's that lets go of it while Python ends
    aborts the process.
    """
    return storage.open_input(path, options) if storage.is_remote(path) else str(storage.local(path))
