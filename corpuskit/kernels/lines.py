"""The line scan: where lines begin and end, how long they are and which repeat."""

import functools

import numpy as np

from corpuskit.kernels.blocks import BLOCK, block, equal_mask, padded, popcount, range_mask
from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.spans import Spans

NEWLINE = np.uint8(10)
FIRST_CONTINUATION, LAST_CONTINUATION = np.uint8(0x80), np.uint8(0xBF)
"""The bytes that continue a character of UTF-8."""


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

    @functools.cached_property
    def _characters(self) -> np.ndarray:
        return fixed(_count_characters(padded(self.data), self.starts, self.ends), np.int64)

    @functools.cached_property
    def _repeats(self) -> np.ndarray:
        longest = int(self.counts().max(initial=0))
        slots = np.full(2 << max(longest, 1).bit_length(), -1, np.int64)
        return fixed(_find_repeats(self.hashes(), self.starts, self.ends, self.offsets, slots), np.bool_)


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


@kernel
def _find_repeats(hashes, starts, ends, offsets, slots):  # type: ignore[no-untyped-def]
    """Return bool[m]; slots: int64, -1, a power of two, at least twice the lines of the longest document.

    A slot holds the number of a line; one below the document's first is of an earlier document, so that the slots
    are never cleared. Empty lines, of which a text can have very many, take none.
    """
    repeats = np.zeros(starts.size, np.bool_)
    for document in range(offsets.size - 1):
        first, stop = offsets[document], offsets[document + 1]
        mask = np.int64(1)
        while mask < 2 * (stop - first):
            mask <<= 1
        mask -= 1
        empty_before = False
        for line in range(first, stop):
            if starts[line] == ends[line]:
                repeats[line] = empty_before
                empty_before = True
                continue
            slot = np.int64(hashes[line]) & mask
            while slots[slot] >= first and hashes[slots[slot]] != hashes[line]:
                slot = (slot + 1) & mask
            repeats[line] = slots[slot] >= first
            if not repeats[line]:
                slots[slot] = line
    return repeats


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
