"""WARC records in a stream of bytes: every byte belongs to a record, to an error, or to the padding between them."""

import re
from collections import deque
from collections.abc import Iterator

from corpuskit.documents.members import PROBE, Damage, Members, Part
from corpuskit.documents.pages import RawPage
from corpuskit.documents.records import BadRecord, bad
from corpuskit.documents.schema import RAW_LIMIT

MAX_RECORD = 256 << 20
"""Bytes of the largest record that is read; Common Crawl cuts payloads at 1 MiB, later 5 MiB."""
MAX_HEADER = 32 << 10
"""Bytes of the largest WARC header: FastWARC's limit."""
MAX_SKIP = 4 << 30
"""Decompressed bytes without a record after which a compressed member is given up: it might go on without end."""
HEAD = re.compile(rb"WARC/\d\.\d{1,2}[ \t]{0,8}(\r?\n)[!-9;-~]{1,64}[ \t]{0,8}:")
"""Where a record begins: version line and the name of the first field (ISO 28500, 5.2); `PROBE` bytes at most."""
LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
PADDING = re.compile(rb"[\r\n\0]*")


def begins(data: bytes) -> bool:
    """Whether a record begins with these bytes."""
    return HEAD.match(data, PADDING.match(data).end()) is not None  # type: ignore[union-attr]  # matches always


def opens(part: Part | Damage) -> bool:
    """Whether a member begins with these bytes, and a record with the member.

    What seems to run on over such a place is an error that ends there. So reading may begin there, and finds what it
    would have found from the beginning of the file.
    """
    return isinstance(part, Part) and part.first and HEAD.match(part.data) is not None


class _Window:
    """The decompressed bytes still needed, and the members they lie in. Positions count all decompressed bytes."""

    def __init__(self, parts: Iterator[Part | Damage], stop: int | None, edge: int | None) -> None:
        self.parts = parts
        self.data = bytearray()
        self.at = 0
        """Index in `data` of what is read next."""
        self.base = 0
        """Position of `data[0]`."""
        self.members: deque[tuple[int, int]] = deque()
        """(position, offset in the file) of the member read next, and of those behind it."""
        self.damage: Damage | None = None
        """What bars the way behind `data`."""
        self.edge = edge
        self.end = stop
        """Position from which on no record is given; of `edge`, once the member there is known."""

    @property
    def position(self) -> int:
        return self.base + self.at

    @property
    def ended(self) -> bool:
        return self.end is not None and self.position >= self.end

    def fill(self) -> bool:
        """Take more bytes; False: damage or the end of the file bars the way."""
        part = None if self.damage else next(self.parts, None)
        if isinstance(part, Damage):
            self.damage = part
        if not isinstance(part, Part):
            return False
        if self.at * 2 >= len(self.data):
            del self.data[: self.at]
            self.base, self.at = self.base + self.at, 0
        if part.first:
            self.members.append((self.base + len(self.data), part.offset))
            if self.end is None and self.edge is not None and part.offset >= self.edge and opens(part):
                self.end = self.members[-1][0]
        self.data += part.data
        return True

    def reach(self, size: int) -> bool:
        """Make sure that `size` bytes are there, as far as possible; whether they are."""
        while len(self.data) - self.at < size:
            if not self.fill():
                return False
        return True

    def head(self, size: int) -> bytes:
        with memoryview(self.data) as view:
            return bytes(view[self.at : self.at + size])

    def skip_padding(self) -> bool:
        """Go to the next byte that is no padding; whether there is one."""
        while True:
            self.at = PADDING.match(self.data, self.at).end()  # type: ignore[union-attr]  # matches always
            if self.at < len(self.data):
                return True
            if not self.fill():
                return False

    def find(self, sought: bytes, limit: int) -> int | None:
        """Return the bytes up to the end of `sought`, which must lie in the next `limit`; None: it does not."""
        while (index := self.data.find(sought, self.at, self.at + limit)) < 0:
            if len(self.data) - self.at >= limit or not self.fill():
                return None
        return index - self.at + len(sought)

    def member(self) -> tuple[int, int]:
        """Return (position, offset in the file) of the member that the next byte lies in."""
        while len(self.members) > 1 and self.members[1][0] <= self.position:
            self.members.popleft()
        return self.members[0]

    def take_damage(self) -> str | None:
        """Return what is wrong with the member that `data` ends in, which is dealt with then; None: nothing."""
        if self.damage is None or self.damage.offset != self.members[-1][1]:
            return None
        message, self.damage = self.damage.message, None
        return message

    def overruns(self, size: int) -> bool:
        """Whether the record in the next `size` bytes, whose end seems right, runs on into records behind it."""
        self.reach(size + 2 * PROBE)
        start, end = self.position, self.position + size
        if any(start < member < end and HEAD.match(self.data, member - self.base) for member, _ in self.members):
            return True
        if self.member()[0] == start and any(member == end for member, _ in self.members):
            return False  # it fills its member
        first, last = self.at + 1, self.at + size
        seen = min(last + PROBE, len(self.data))
        follows = PADDING.match(self.data, last, seen).end()  # type: ignore[union-attr]  # matches always
        if follows < seen and not HEAD.match(self.data, follows):  # it may end at the end of a header
            return HEAD.search(self.data, first, last) is not None
        while (first := self.data.find(b"WARC/", first, last)) >= 0:
            if _fits(self.data, first, range(last, follows + 1)):
                return True
            first += 1
        return False


def _fits(data: bytearray, index: int, ends: range) -> bool:
    """Whether a record begins at `index` and ends at one of `ends`."""
    head = HEAD.match(data, index)
    if head is None:
        return False
    newlines = head[1] * 2
    limit = min(ends[-1], index + MAX_HEADER)
    other = HEAD.search(data, index + 1, limit)  # whose header is not this one's; keeps the search short
    content = data.find(newlines, index, other.start() if other else limit) + len(newlines)
    length = _content_length(bytes(data[index:content]))
    return isinstance(length, int) and content + length + len(newlines) in ends


def _content_length(header: bytes) -> int | str:
    """Return the Content-Length in a header, or what is wrong with it."""
    lengths = set(LENGTH.findall(header))
    if len(lengths) != 1:
        return "several different Content-Lengths" if lengths else "no Content-Length"
    length: bytes = lengths.pop()
    if not length.isdigit() or len(length) > 18:
        return f"Content-Length is not a number of bytes: {length[:40].decode('latin-1')!r}"
    return int(length)


class Frames:
    """The records of one file in order, and a bad record for whatever is none. Iterate once.

    A record is given once the member it ends in has proved good, or has gone on: a checksum that does not match thus
    spoils the last record before it. Behind a wrong Content-Length, and behind bytes that are no record, reading goes
    on at the next `HEAD`.

    Args:
        name: input name of the file.
        parts: its decompressed bytes.
        stop: give no record that begins at this decompressed byte (counted in `parts`) or later; None: all.
        edge: end before the first member at this offset or later that `opens`; None: go on to the end.
    """

    def __init__(
        self, name: str, parts: Members | Iterator[Part], stop: int | None = None, edge: int | None = None
    ) -> None:
        self.name = name
        self._members = parts if isinstance(parts, Members) else None
        self._window = _Window(iter(parts), stop, edge)
        self._end = 0  # position behind the last record or error

    def __iter__(self) -> Iterator[RawPage | BadRecord]:
        window = self._window
        ready: RawPage | None = None
        while True:
            more = window.skip_padding()
            if ready:
                message = None if more else window.take_damage()
                yield bad(self.name, ready.offset, message, ready.data) if message else ready
                ready = None
            elif more:
                if window.ended:
                    return
                found = self._record()
                self._end = window.position
                if isinstance(found, BadRecord):
                    yield found
                else:
                    ready = found
            elif window.damage:
                yield bad(self.name, window.damage.offset, window.damage.message, window.damage.raw)
                window.damage = None
            else:
                return  # the end of the file

    def _record(self) -> RawPage | BadRecord:
        """Read the record that begins at the window's next byte, or the error up to the next record."""
        window = self._window
        window.reach(PROBE)
        head = HEAD.match(window.data, window.at)
        if head is None:
            return self._bad("no WARC record begins here")
        newlines = head[1] * 2
        size = self._size(newlines)
        if isinstance(size, str):
            return self._bad(size)
        whole = size + len(newlines)
        if not window.reach(whole):
            return self._bad(f"the record of {size:,} bytes breaks off after {len(window.data) - window.at:,}")
        if not window.data.startswith(newlines, window.at + size):
            return self._bad(f"wrong Content-Length: the record does not end after {size:,} bytes")
        if window.overruns(whole):
            return self._bad(f"wrong Content-Length: the record of {size:,} bytes runs on into the next one")
        offset, document_id = self._place()
        record = RawPage(self.name, offset, window.head(size), document_id)
        window.at += whole
        return record

    def _size(self, newlines: bytes) -> int | str:
        """Return the bytes of header and content, or what is wrong with the header."""
        end = self._window.find(newlines, MAX_HEADER)
        if end is None:
            return f"the header of the record does not end within {MAX_HEADER:,} bytes"
        header = self._window.head(end)
        if HEAD.search(header, 1):
            return "the header of the record runs on into the next one"
        length = _content_length(header)
        if isinstance(length, str):
            return length
        size = end + length
        return size if size <= MAX_RECORD else f"a record of {size:,} bytes; more than {MAX_RECORD:,} are not read"

    def _place(self) -> tuple[int, str]:
        """Return the offset of the next record, and the id it gets where it has none.

        A record that begins its member has the member's offset, as CDX indexes do; to those behind it in the same
        member, their distance in decompressed bytes is added. In a plain file each has its own.
        """
        start, offset = self._window.member()
        distance = self._window.position - start
        if self._members and self._end <= start:  # but for padding, it begins the member
            return offset, f"{self.name}:{offset}"
        place = f"{offset}+{distance}" if self._members else f"{offset + distance}"
        return offset + distance, f"{self.name}:{place}"

    def _bad(self, message: str) -> BadRecord:
        """Go on to the next record; return the error that covers all up to there."""
        window = self._window
        offset, _ = self._place()
        window.reach(RAW_LIMIT)
        start, raw = window.position, window.head(RAW_LIMIT)
        window.at += 1
        cause = None if self._scan() else window.take_damage()
        return bad(self.name, offset, f"{message}: {cause}" if cause else message, raw[: window.position - start])

    def _scan(self) -> bool:
        """Go to the next `HEAD`, holding none of what is skipped; False: there is none before damage or the end.

        Behind the last record to be given, stop anywhere: that there was none is known then.
        """
        window, start = self._window, self._window.position
        while not (found := HEAD.search(window.data, window.at)):
            window.at = max(window.at, len(window.data) - PROBE)
            if window.ended and window.position - start >= RAW_LIMIT:
                return True
            if self._members and window.position - start > MAX_SKIP:
                self._members.abandoned = f"given up after {MAX_SKIP:,} bytes that are no record"
            if not window.fill():
                window.at = len(window.data)
                return False
        window.at = found.start()
        return True
