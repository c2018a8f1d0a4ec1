"""Byte ranges of WARC files: where reading each one begins and ends, so that those which share an edge share no record.

A compressed file is cut at members that a record begins with (`opens`): at the first one behind each edge. The range
before the edge comes upon it by itself. The range behind must find the same one, and what looks like a member may be
content, such as a WARC file that a crawl has fetched: deflate and zstd store what they cannot compress as it is, in
blocks of up to 64 and 128 KiB, each with a header that spoils what is read across it. So members that follow each other
undamaged over more than that are no content (`SURE`), and from there on members are where they are for a reader of the
whole file, because reading, past damage too, depends on nothing that lies before a member.

A plain file has no such proof. There, reading begins further before the edge than any record is long.
"""

import io
from collections.abc import Iterator
from itertools import islice

from corpuskit.documents.frames import MAX_HEADER, MAX_RECORD, Frames, opens
from corpuskit.documents.members import Damage, File, Members, plain
from corpuskit.documents.pages import RawPage
from corpuskit.documents.pieces import FileRange
from corpuskit.documents.records import BadRecord

HEAD_BYTES = 1 << 20
"""Bytes at the beginning of a compressed file in which two records must begin members, or the file is not cut."""
LOOKBACK = 1 << 20
"""Bytes before an edge of a compressed file where members are followed from; more, where these do not make it sure."""
SURE = 1 << 18
"""Bytes of undamaged members in a row that are no content: over twice the largest stored block (RFC 1951, 3.2.4:
64 KiB; RFC 8878, 3.1.1.2.4: 128 KiB)."""
PLAIN_LOOKBACK = MAX_RECORD + MAX_HEADER
"""Bytes before an edge of a plain file where records are followed from."""


def plain_range(stored: File, file: FileRange) -> Iterator[RawPage | BadRecord]:
    """Give the records, and what is none, that begin in a range of a plain file."""
    start = max(file.start - PLAIN_LOOKBACK, 0)
    stop = None if file.stop is None else file.stop - start
    return (found for found in Frames(file.name, plain(stored, start), stop) if found.offset >= file.start)


def member_range(members: Members, file: FileRange) -> Iterator[RawPage | BadRecord]:
    """Give the records, and what is none, from the first opening member of a range to that of the next range.

    Of a file that is not cut, the range that holds its beginning gives all and the others nothing.

    Args:
        members: those of the whole file.
        file: the range; `start` 0 is the beginning of the file, whatever is there.
    """
    cut = (file.start > 0 or file.stop is not None) and _is_by_record(members)
    start: int | None = members.start
    if file.start:
        start = _opening(members, file.start, file.stop) if cut else None
    if start is not None:
        yield from Frames(file.name, members.since(start), edge=file.stop if cut else None)


def _is_by_record(members: Members) -> bool:
    """Whether two records begin members within `HEAD_BYTES`."""
    head = File(io.BytesIO(members.file.exactly(members.start, HEAD_BYTES)))
    found = filter(opens, Members(head, members.packing, members.begins))
    return len(list(islice(found, 2))) == 2


def _opening(members: Members, edge: int, stop: int | None) -> int | None:
    """Return where the first opening member at `edge` or behind it lies; None: not before `stop`."""
    back = LOOKBACK
    while (begin := edge - back) > members.start:
        found = members.find(begin)
        sure, opening = (False, None) if found is None else _follow(members.since(found), edge, stop)
        if sure:
            return opening
        back *= 4
    return _follow(members, edge, stop, sure=True)[1]


def _follow(members: Members, edge: int, stop: int | None, sure: bool = False) -> tuple[bool, int | None]:
    """Follow members up to the first opening one in [edge, stop); return whether it is sure, and where it is."""
    intact: int | None = None  # where the first of the undamaged members in a row lies
    for part in members:
        if isinstance(part, Damage):
            intact = None
        elif part.first:
            intact = part.offset if intact is None else intact
            sure = sure or part.offset - intact >= SURE
            if part.offset >= edge and (not sure or opens(part) or (stop is not None and part.offset >= stop)):
                return sure, part.offset if stop is None or part.offset < stop else None
    return sure, None
