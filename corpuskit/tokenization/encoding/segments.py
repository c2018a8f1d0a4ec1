"""Segments of a text: stretches that no piece reaches across, so that each can be encoded by itself.

A segment ends between two characters that follow one another in no piece: before the space of a new word, at most
punctuation and, in text without spaces, between most words. This needs no rule of what a word is and no check of the
pieces: where pieces hold spaces inside, the segments that they may reach across are longer.
"""

from collections.abc import Iterable

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts

PAIR_WORDS = 1 << 14
"""Words of 64 bits that hold the pairs of characters, 128 KiB."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
NO_ASCII = np.uint64(0x8080808080808080)
ONE = np.uint64(1)
TWO_BYTES, SIX_BYTES = np.uint64(0xFFFF), np.uint64(0xFFFFFFFFFFFF)


# Places in arrays are uint64 in the loops: numba asks of a signed one whether it counts from the end.


@inlined
def _width(first):  # type: ignore[no-untyped-def]
    """Return how many bytes a character has that begins with this one."""
    return np.int64(1) + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)


@inlined
def _pair_bit(pair, pairs):  # type: ignore[no-untyped-def]
    """Return the bit of two characters' bytes, one behind the other as a little-endian uint64."""
    return ((pair * MULTIPLIER) >> np.uint64(40)) & np.uint64(64 * pairs.size - 1)


@inlined
def _apart(pair, pairs):  # type: ignore[no-untyped-def]
    """Return a number whose lowest bit is 1 if no piece holds the pair; uint64."""
    bit = _pair_bit(pair, pairs)
    return ~(pairs[bit >> np.uint64(6)] >> (bit & np.uint64(63)))


@inlined
def _bytes(data, start, stop):  # type: ignore[no-untyped-def]
    """Return up to 8 bytes as a little-endian uint64."""
    if start + 8 <= data.size:
        return load64(data, start) & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - 8 * (stop - start)))
    value = np.uint64(0)
    for place in range(start, stop):
        value |= np.uint64(data[place]) << np.uint64(8 * (place - start))
    return value


@kernel
def _fill_pairs(data, offsets, ascii_ends, pairs):  # type: ignore[no-untyped-def]
    for piece in range(offsets.size - 1):
        before, stop = offsets[piece], offsets[piece + 1]
        place = before + _width(data[before])
        while place < stop:
            end = place + _width(data[place])
            pair = _bytes(data, before, end)
            bit = _pair_bit(pair, pairs)
            pairs[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
            if end == before + 2:
                ascii_ends[pair] = 0
            before, place = place, end


@inlined
def _scan_ascii(data, place, stop, ascii_ends, starts, count):  # type: ignore[no-untyped-def]
    """Append where segments begin in ASCII behind a character of ASCII, 7 at a time; return the place behind."""
    while place + 7 <= stop:
        eight = load64(data, place - 1)
        if eight & NO_ASCII:
            break
        for number in range(7):
            starts[count] = place + number
            count += np.uint64(ascii_ends[eight >> np.uint64(8 * number) & TWO_BYTES])
        place += 7
    return place, count


@inlined
def _scan_three_bytes(data, place, stop, pairs, starts, count):  # type: ignore[no-untyped-def]
    """The same of characters of three bytes behind such a character, one at a time."""
    while place + 5 <= stop and data[np.uint64(place)] & 0xF0 == 0xE0:
        starts[count] = place
        count += _apart(load64(data, place - 3) & SIX_BYTES, pairs) & ONE
        place += 3
    return place, count


@inlined
def _scan(data, first, stop, ascii_ends, pairs, starts, count):  # type: ignore[no-untyped-def]
    """Append where segments begin. A place is always written and counted or not: to guess which costs more."""
    starts[count] = first
    count += ONE
    before, place = first, min(first + _width(data[first]), stop)
    while place < stop:
        width = place - before
        if width == 1:
            place, count = _scan_ascii(data, place, stop, ascii_ends, starts, count)
        elif width == 3 and place + 5 <= stop:
            place, count = _scan_three_bytes(data, place, stop, pairs, starts, count)
        if place == stop:
            break
        before = place - width
        end = min(place + _width(data[place]), stop)
        starts[count] = place
        count += _apart(_bytes(data, before, end), pairs) & ONE
        before, place = place, end
    return count


@kernel
def _segments(data, offsets, ascii_ends, pairs, starts, bounds):  # type: ignore[no-untyped-def]
    """Fill starts int64[room for one a byte, and one more], and how many there are up to each document."""
    count = np.uint64(0)
    for document in range(offsets.size - 1):
        if offsets[document] < offsets[document + 1]:
            count = _scan(data, offsets[document], offsets[document + 1], ascii_ends, pairs, starts, count)
        bounds[document + 1] = count


class Segmenter:
    """Finds the segments of texts for a set of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Gather the pairs of characters in pieces, which are UTF-8.

        Pairs with a character outside ASCII are kept by a hash: a pair that is in no piece may count as one that is,
        and a segment be longer than it need be.
        """
        pieces = list(pieces)
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        data = fixed(np.frombuffer(b"".join(pieces), np.uint8), np.uint8)
        self._ascii_ends, self._pairs = np.ones(1 << 15, np.uint8), np.zeros(PAIR_WORDS, np.uint64)
        _fill_pairs(data, offsets, self._ascii_ends, self._pairs)

    def segments(self, texts: Texts) -> Spans:
        """Return the segments of each document, in text order; they cover it."""
        size = int(texts.offsets[-1] - texts.offsets[0])
        starts, bounds = np.empty(size + 1, np.int64), np.zeros(len(texts) + 1, np.int64)
        _segments(texts.data, texts.offsets, self._ascii_ends, self._pairs, starts, bounds)
        starts[bounds[-1]] = texts.offsets[-1]
        starts = fixed(starts[: bounds[-1] + 1], np.int64)
        return Spans(texts.data, starts[:-1], starts[1:], fixed(bounds, np.int64))
