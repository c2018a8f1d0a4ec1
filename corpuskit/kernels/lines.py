"""The line scan: where lines begin and end, how long they are and which repeat."""

import functools
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels.blocks import BLOCK, block, equal_mask, padded, popcount, range_mask
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.hash_tables import SMALL_TABLE, clear_slots, empty_slots
from corpuskit.kernels.hashing import hash_span
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import properties

NEWLINE = np.uint8(10)
FIRST_CONTINUATION, LAST_CONTINUATION = np.uint8(0x80), np.uint8(0xBF)
"""The bytes that continue a character of UTF-8."""
NO_SEED = np.uint64(0)


class Lines(Spans):
    r"""The lines of a batch of documents: what `text.split("\n")` gives, so that an empty text has one empty line."""

    def characters(self) -> np.ndarray:
        """Return the number of code points of each line; int64[m], read-only, computed once."""
        return self._characters

    def repeats(self) -> np.ndarray:
        """Return whether each line equals an earlier one of its document; bool[m], read-only, computed once.

        Lines are equal where their 64-bit hashes are.
        """
        return self._repeats

    def stripped(self) -> "Lines":
        """Return the lines without the white space at their ends (`str.strip()`), computed once.

        They are these very lines where none has any.
        """
        return self if self._stripped is None else self._stripped

    @functools.cached_property
    def _characters(self) -> np.ndarray:
        return fixed(_count_characters(padded(self.data), self.starts, self.ends), np.int64)

    @functools.cached_property
    def _repeats(self) -> np.ndarray:
        return find_repeats(self.hashes(), self.characters(), self.offsets)

    @functools.cached_property
    def _stripped(self) -> "StrippedLines | None":
        """None, rather than the lines themselves: a reference to them would keep their memory until garbage is cycled.

        The hashes are taken now for the same reason.
        """
        table = properties()
        tables = table.index, table.pages
        if _are_stripped(self.data, self.starts, self.ends, *tables):
            return None
        starts, ends = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        _strip_lines(self.data, self.starts, self.ends, *tables, starts, ends)
        hashes = _rehash(self.data, self.starts, self.ends, self.hashes(), starts, ends)
        return StrippedLines(
            self.data, fixed(starts, np.int64), fixed(ends, np.int64), self.offsets, fixed(hashes, np.uint64)
        )


@dataclass(frozen=True, eq=False)
class StrippedLines(Lines):
    """Lines without the white space at their ends."""

    known: np.ndarray
    """Their hashes; uint64[m]."""

    @property
    def _hashes(self) -> np.ndarray:
        return self.known


@kernel
def _count_newlines(data, start, stop):  # type: ignore[no-untyped-def]
    """Return the number of line feeds in `data[start:stop]`."""
    count = 0
    for byte in data[start:stop]:
        count += byte == NEWLINE
    return count


@kernel
def _scan_lines(data, offsets, starts, ends, line_offsets):  # type: ignore[no-untyped-def]
    """Fill starts int64[m], ends int64[m] and line_offsets int64[n_documents + 1]; data: padded."""
    line = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        starts[line] = position
        while position < stop:
            index, shift, inside = block(data.size, position, stop, 0)
            newlines = (equal_mask(data, index, NEWLINE) >> shift) & inside
            while newlines:
                place = position + trailing_zeros(newlines)
                newlines &= newlines - np.uint64(1)
                ends[line] = place
                line += 1
                starts[line] = place + 1
            position += BLOCK
        ends[line] = stop
        line += 1
        line_offsets[document + 1] = line


@kernel
def _count_characters(data, starts, ends):  # type: ignore[no-untyped-def]
    """Return int64[m]; data: padded."""
    counts = np.empty(starts.size, np.int64)
    for line in range(starts.size):
        position, end = starts[line], ends[line]
        count = end - position
        while position < end:
            index, shift, inside = block(data.size, position, end, 0)
            continuations = (range_mask(data, index, FIRST_CONTINUATION, LAST_CONTINUATION) >> shift) & inside
            count -= popcount(continuations)
            position += BLOCK
        counts[line] = count
    return counts


@inlined
def _is_visible_ascii(byte):  # type: ignore[no-untyped-def]
    return 0x20 < byte < 0x7F


@inlined
def _strip(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """Return (start, end) of `data[start:end]` without white space at its ends; most lines have none."""
    if start == end or (_is_visible_ascii(data[start]) and _is_visible_ascii(data[end - 1])):
        return start, end
    return strip_span(data, start, end, index, pages)


@kernel
def _are_stripped(data, starts, ends, index, pages):  # type: ignore[no-untyped-def]
    """Whether no line has white space at its ends."""
    for line in range(starts.size):
        start, end = _strip(data, starts[line], ends[line], index, pages)
        if start != starts[line] or end != ends[line]:
            return False
    return True


@kernel
def _strip_lines(data, starts, ends, index, pages, stripped_starts, stripped_ends):  # type: ignore[no-untyped-def]
    """Fill int64[m] of both ends of the stripped lines."""
    for line in range(starts.size):
        start, end = _strip(data, starts[line], ends[line], index, pages)
        stripped_starts[line], stripped_ends[line] = start, end


@kernel
def _rehash(data, whole_starts, whole_ends, whole_hashes, starts, ends):  # type: ignore[no-untyped-def]
    """Return uint64[m], the hashes of parts of spans whose own hashes are known; most parts are the whole."""
    hashes = np.empty(starts.size, np.uint64)
    for span in range(starts.size):
        start, end = starts[span], ends[span]
        if start == whole_starts[span] and end == whole_ends[span]:
            hashes[span] = whole_hashes[span]
        else:
            hashes[span] = hash_span(data, start, end, NO_SEED)
    return hashes


@kernel
def _find_repeats_in_document(hashes, characters, slots, repeats):  # type: ignore[no-untyped-def]
    """Fill bool[spans of the document]; empty spans, of which a text can have very many, take no slot."""
    size = hashes.size
    for room in (min(size, SMALL_TABLE), size):
        shift, mask = clear_slots(slots, room)
        empty_before = False
        for span in range(size):
            if not characters[span]:
                repeats[span] = empty_before
                empty_before = True
                continue
            slot = hashes[span] >> shift
            while slots[slot] and hashes[slots[slot] - np.uint32(1)] != hashes[span]:
                slot = (slot + np.uint64(1)) & mask
            repeats[span] = slots[slot] != 0
            if not slots[slot]:
                if not room:
                    break
                room -= 1
                slots[slot] = span + 1
        else:
            break


@kernel
def _find_repeats(hashes, characters, offsets, slots):  # type: ignore[no-untyped-def]
    """Return bool[m]; slots: those of a table for the spans of any document."""
    repeats = np.empty(hashes.size, np.bool_)
    for document in range(offsets.size - 1):
        first, stop = offsets[document], offsets[document + 1]
        _find_repeats_in_document(hashes[first:stop], characters[first:stop], slots, repeats[first:stop])
    return repeats


def find_repeats(hashes: np.ndarray, characters: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return whether each span equals an earlier one of its document; bool[m], read-only.

    Args:
        hashes: uint64[m]; spans are equal where these are.
        characters: int64[m], 0 for an empty span.
        offsets: int64[n + 1], the spans of document i are `offsets[i]` to `offsets[i + 1]`.
    """
    slots = empty_slots(int(np.diff(offsets).max(initial=0)))
    return fixed(_find_repeats(hashes, characters, offsets, slots), np.bool_)


def scan_lines(data: np.ndarray, offsets: np.ndarray) -> Lines:
    """Find the lines of each document.

    Args:
        data: uint8[n_bytes], UTF-8; read-only and contiguous, as `Texts` holds it.
        offsets: int64[n + 1], document i is `data[offsets[i]:offsets[i + 1]]`; likewise.
    """
    n_documents = offsets.size - 1
    n_lines = n_documents + int(_count_newlines(data, offsets[0], offsets[-1]))
    starts, ends = np.empty(n_lines, np.int64), np.empty(n_lines, np.int64)
    line_offsets = np.zeros(n_documents + 1, np.int64)
    _scan_lines(padded(data), offsets, starts, ends, line_offsets)
    return Lines(data, fixed(starts, np.int64), fixed(ends, np.int64), fixed(line_offsets, np.int64))
