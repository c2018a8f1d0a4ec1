"""Tar archives as streams: the files in them, past headers and members that are broken."""

import re
import tarfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from corpuskit.documents.schema import RAW_LIMIT
from corpuskit.documents.streams import Damaged

BLOCK = 512
"""Headers and the data of members begin at multiples of this."""
MAX_MEMBER = 64 << 20
"""Bytes of a file in an archive; it is held in memory."""
USTAR, USTAR_AT = b"ustar", 257
"""The magic bytes of a header, and where in it they are (POSIX.1-1988 and GNU; the older v7 format has none)."""
PAX, PAX_GLOBAL = tarfile.XHDTYPE, tarfile.XGLTYPE
LONG_NAME, LONG_LINK = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
SPARSE = tarfile.GNUTYPE_SPARSE


class Member(NamedTuple):
    """A regular file in an archive, or what could not be read as one."""

    offset: int
    """Of its header in the decompressed archive."""
    name: str
    data: bytes
    """Empty for a file that is not wanted; of what is broken the first bytes."""
    broken: str = ""
    """What is wrong."""


def members(blocks: Iterator[bytes], wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Give the regular files of an archive; folders, links and devices are left out.

    After a header that is none, or a member that breaks off, the next header is looked for at any offset; one broken
    member stands for all that lies between. Zero blocks do not end an archive: others may follow, as after `cat`. They
    alone are an archive without files; no bytes at all are a broken member.

    Args:
        blocks: the decompressed archive; may raise `Damaged`, which becomes a broken member.
        wanted: says by a file's name whether its data are to be read.
    """
    window = _Window(blocks)
    pending: dict[str, str] = {}  # what extended headers say of the next member
    while header := window.peek(BLOCK):
        if not any(header):
            window.drop(BLOCK)
            continue
        info = _parse(header)
        if info is None:
            yield Member(window.offset, "", window.peek(RAW_LIMIT), "not a tar header")
            window.find_header()
            pending = {}
        elif info.type in (PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK):
            yield from _extend(window, info, pending)
        else:
            yield from _member(window, info, pending, wanted)
            pending = {}
    if window.damage or not window.offset:
        yield Member(window.offset, "", b"", window.damage or "empty file")


def _parse(header: bytes) -> tarfile.TarInfo | None:
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None
    return info if info.size >= 0 else None


def _extend(window: "_Window", info: tarfile.TarInfo, pending: dict[str, str]) -> Iterator[Member]:
    """Take an extended header: a long name or attributes of the next member."""
    data = window.peek(BLOCK + min(info.size, MAX_MEMBER))[BLOCK:]
    fields = {"path": data.rstrip(b"\0").decode("utf-8", "surrogateescape")} if info.type == LONG_NAME else _pax(data)
    if len(data) < info.size or fields is None:
        yield Member(window.offset, info.name, window.peek(RAW_LIMIT), "a broken extended header")
        window.drop(BLOCK)
        window.find_header()
        return
    if info.type in (PAX, LONG_NAME):
        pending.update(fields)
    window.drop(BLOCK + _padded(info.size))


def _pax(data: bytes) -> dict[str, str] | None:
    r"""Return the records of a pax header, each "<its length> <key>=<value>\n"; None where they are not that."""
    fields: dict[str, str] = {}
    while data.strip(b"\0"):
        length = data[:20].partition(b" ")[0]
        if not length.isdigit() or not (len(length) + 1 < int(length) <= len(data)):
            return None
        key, _, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        fields[key.decode(errors="replace")] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return fields


def _member(
    window: "_Window", info: tarfile.TarInfo, pending: dict[str, str], wanted: Callable[[str], bool]
) -> Iterator[Member]:
    offset, name = window.offset, _readable(pending.get("path", info.name))
    size = int(pending["size"]) if re.fullmatch("[0-9]{1,15}", pending.get("size", "")) else info.size
    if not (info.isreg() or info.type not in tarfile.SUPPORTED_TYPES):  # as tarfile: links and folders have no data
        window.drop(BLOCK)
        return
    sparse = info.type == SPARSE or any(key.startswith("GNU.sparse") for key in pending)
    problem = "sparse files are not read" if sparse else f"over {MAX_MEMBER >> 20} MiB" if size > MAX_MEMBER else ""
    if info.isreg() and wanted(name) and not problem:
        data = window.peek(BLOCK + size)[BLOCK:]
        if len(data) < size:
            yield Member(offset, name, data, "the member breaks off")
            window.drop(BLOCK)
            window.find_header()
            return
        yield Member(offset, name, data)
    elif info.isreg() or sparse:
        yield Member(offset, name, b"", problem if wanted(name) else "")
    window.drop(BLOCK + _padded(size))


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _readable(name: str) -> str:
    """Return a name as valid Unicode."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class _Window:
    """The bytes of an archive that were read and not yet dropped."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = bytearray()
        self.offset = 0
        """Of the first byte."""
        self.damage = ""
        """Why the stream ended, if not at its end."""

    def peek(self, size: int) -> bytes:
        """Return the first `size` bytes, fewer at the end."""
        while len(self._held) < size and (block := self._next()):
            self._held += block
        return bytes(self._held[:size])

    def _next(self) -> bytes:
        try:
            return next(self._blocks, b"")
        except Damaged as damage:
            self.damage = str(damage)
            return b""

    def drop(self, size: int) -> None:
        """Go on by `size` bytes, or to the end, without holding them."""
        while size > 0 and (self._held or self.peek(1)):
            step = min(size, len(self._held))
            del self._held[:step]
            self.offset += step
            size -= step

    def find_header(self) -> None:
        """Go on to the next header, to the end where there is none."""
        while len(self.peek(BLOCK)) == BLOCK:
            at = self._held.find(USTAR, USTAR_AT)
            if at < 0:
                self.drop(max(len(self._held) - BLOCK + 1, 1))
            else:
                self.drop(at - USTAR_AT)
                if _parse(self.peek(BLOCK)):
                    return
                self.drop(1)
        self.drop(BLOCK)
