"""Compressed members (gzip) and frames (zstd) with their offsets, going on behind those that are damaged."""

import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import zstandard

from corpuskit.documents.schema import RAW_LIMIT
from corpuskit.documents.streams import BLOCK

PROBE = 128
"""Decompressed bytes by which the beginning of a member is judged; it gives at least so many at first, if it can."""
PEEK, STEP = (1 << 17) + 1024, 64
"""Compressed bytes read at most to judge the beginning of a member (a zstd block and some), and how many at a time."""
GZIP_FEED, GZIP_OUTPUT = 1 << 14, 1 << 20
"""Compressed bytes given to a gzip decoder at a time, and decompressed bytes taken from it."""
ZSTD_FEED = 1 << 9
"""The same for zstd, whose decoders know no limit: 4 bytes may give 128 KiB, so this gives 16 MiB at most."""
MAX_WINDOW = 1 << 27
"""Largest zstd window, which is memory: what the `zstd` tool takes without `--long`."""
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE, DICTIONARY = b"\x2a\x4d\x18", b"\x5d\x2a\x4d\x18"
"""Bytes 2 to 4 of skippable zstd frames, and the magic of the one that holds a dictionary when it leads a file
(https://iipc.github.io/warc-specifications/specifications/warc-zstd/)."""


class Part(NamedTuple):
    """Some decompressed bytes of a member."""

    offset: int
    """Where the member begins in the file."""
    first: bool
    """Whether they are the member's first bytes."""
    data: bytes


class Damage(NamedTuple):
    """The rest of a member, and what follows up to the next good one, cannot be read."""

    offset: int
    message: str
    raw: bytes
    """The first bytes of the damaged member, as stored."""


class File:
    """Bytes of an open file at any position, read in blocks whose borders do not depend on what was read before."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._block, self._start = b"", 0

    def at(self, position: int, size: int) -> memoryview:
        """Return some of the bytes from `position` on, `size` at most; none at the end of the file only."""
        index = position - self._start
        if not 0 <= index < len(self._block):
            index = position % BLOCK
            self._start = position - index
            self._stream.seek(self._start)
            self._block = self._stream.read(BLOCK)
        return memoryview(self._block)[index : index + size]

    def exactly(self, position: int, size: int) -> bytes:
        """Return `size` bytes from `position` on, fewer at the end of the file only."""
        parts: list[bytes] = []
        while size and (view := self.at(position, size)):
            parts.append(bytes(view))
            position, size = position + len(view), size - len(view)
        return b"".join(parts)

    def find(self, sought: bytes, position: int) -> int | None:
        """Return where `sought` occurs first from `position` on; None: nowhere."""
        held = b""  # the end of the block before, where an occurrence may begin
        while view := self.at(position, BLOCK):
            data = held + view
            if (index := data.find(sought)) >= 0:
                return position - len(held) + index
            position += len(view)
            held = data[len(data) - len(sought) + 1 :]
        return None

    def padding_end(self, position: int) -> int:
        """Return where zero bytes (padding of tapes and disk blocks) from `position` on end."""
        while view := self.at(position, BLOCK):
            rest = len(bytes(view).lstrip(b"\0")) if view[0] == 0 else len(view)
            position += len(view) - rest
            if rest:
                break
        return position


@dataclass(frozen=True, slots=True)
class Packing:
    """One way of compression."""

    name: str
    """What it calls its members."""
    magic: bytes
    decoder: Callable[[], Any]
    error: type[Exception]
    feed: int
    limit: tuple[int, ...] = ()
    """Second argument of `decompress`: bytes of output at most."""


GZIP = Packing(
    "gzip member", b"\x1f\x8b\x08", lambda: zlib.decompressobj(wbits=31), zlib.error, GZIP_FEED, (GZIP_OUTPUT,)
)


def zstd(file: File) -> tuple[Packing, int]:
    """Return how a zstd file is compressed, and where the frames after its dictionary, if it has one, begin.

    Raises:
        zstandard.ZstdError: the dictionary cannot be read.
    """
    dictionary, start = None, 0
    if file.exactly(0, 4) == DICTIONARY:
        size = int.from_bytes(file.exactly(4, 4), "little")
        data, start = file.exactly(8, min(size, MAX_WINDOW)), 8 + size
        if data.startswith(ZSTD_MAGIC):
            data = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompress(data, max_output_size=MAX_WINDOW)
        dictionary = zstandard.ZstdCompressionDict(data)
    frames = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=MAX_WINDOW)
    return Packing("zstd frame", ZSTD_MAGIC, frames.decompressobj, zstandard.ZstdError, ZSTD_FEED), start


def plain(file: File, start: int = 0) -> Iterator[Part]:
    """Give the bytes of a file that is not compressed, from `start` on, as those of one member."""
    position = start
    while view := file.at(position, BLOCK):
        yield Part(start, position == start, bytes(view))
        position += len(view)


class Members:
    """The members of a compressed file in order: `Part`s, and a `Damage` for each stretch that cannot be read.

    A member may run on past bytes that were cut out of it, into those of the next. So after damage the search for the
    next member goes on right behind the magic of the damaged one; only a member that `begins` accepts by its first
    `PROBE` bytes ends it, because compressed data may hold the magic by chance, or because it packs what was packed.
    """

    def __init__(self, file: File, packing: Packing, begins: Callable[[bytes], Any], start: int = 0) -> None:
        self.file, self.packing, self.begins, self.start = file, packing, begins, start
        self.abandoned = ""
        """Set to a reason to give up the current member."""

    def since(self, start: int) -> "Members":
        """Return the members of the same file from `start` on."""
        return Members(self.file, self.packing, self.begins, start)

    def __iter__(self) -> Iterator[Part | Damage]:
        position: int | None = self.start
        while position is not None and self.file.at(position := self._skip(position), 1):
            end = yield from self._member(position)
            if isinstance(end, int):
                position = end
            else:
                yield Damage(position, end, self.file.exactly(position, RAW_LIMIT))
                position = self.find(position + 1)

    def _skip(self, position: int) -> int:
        """Return where the next member begins, behind padding and skippable frames."""
        while True:
            position = self.file.padding_end(position)
            head = self.file.exactly(position, 8)
            if self.packing is GZIP or head[1:4] != SKIPPABLE or head[0] >> 4 != 5 or len(head) < 8:
                return position
            position += 8 + struct.unpack("<I", head[4:])[0]

    def _member(self, start: int) -> Generator[Part, None, int | str]:
        """Give the parts of one member; return where it ends, or what is wrong with it."""
        decoder, position, first = self.packing.decoder(), start, True
        held = b""  # the first bytes, until they are enough to be judged
        self.abandoned = ""
        while not (decoder.eof or self.abandoned):
            view = self.file.at(position, self.packing.feed)
            if not view:
                break
            spare = _copy(decoder) if position > start else None
            try:
                output = decoder.decompress(view, *self.packing.limit)
            except self.packing.error as error:
                if position == start:
                    spare = self.packing.decoder()
                if held := held + _rescue(spare, view, self.packing.error):
                    yield Part(start, first, held)
                return f"{self.packing.name} is corrupt: {error}"
            position += len(view) - len(decoder.unused_data) - len(decoder.unconsumed_tail)
            held += output
            if held and (decoder.eof or not first or len(held) >= PROBE):
                yield Part(start, first, held)
                held, first = b"", False
        if held:
            yield Part(start, first, held)
        return position if decoder.eof else self.abandoned or f"{self.packing.name} is truncated"

    def find(self, position: int) -> int | None:
        """Return where a member that `begins` accepts lies, from `position` on; None: nowhere."""
        found = self.file.find(self.packing.magic, position)
        while found is not None and not self.begins(self._peek(found)):
            found = self.file.find(self.packing.magic, found + 1)
        return found

    def _peek(self, position: int) -> bytes:
        """Return the first decompressed bytes of a member; few or none where it is damaged."""
        decoder, output, end = self.packing.decoder(), b"", position + PEEK
        while len(output) < PROBE and position < end and (view := self.file.at(position, STEP)):
            try:
                output += decoder.decompress(view, *self.packing.limit)
            except self.packing.error:
                break  # what came before may be enough
            if decoder.eof:
                break
            position += len(view) - len(decoder.unconsumed_tail)
        return output


def _copy(decoder: Any) -> Any:
    """Return a copy of a gzip decoder; None for zstd, which makes no copies."""
    return decoder.copy() if hasattr(decoder, "copy") else None


def _rescue(decoder: Any, data: memoryview, error: type[Exception]) -> bytes:
    """Decode byte by byte, up to the damage: a decoder that fails gives nothing of what it was fed at once."""
    output = bytearray()
    for index in range(len(data) if decoder else 0):
        try:
            output += decoder.decompress(data[index : index + 1])
        except error:
            break  # the damage, which is reported already
    return bytes(output)
