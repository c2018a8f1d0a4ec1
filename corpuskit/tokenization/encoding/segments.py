"""Segments of a text: stretches that no piece reaches across, so that each can be encoded by itself.

A segment ends between two characters that follow one another in no piece: before the space of a new word, at most
punctuation and, in text without spaces, between most words. This needs no rule of what a word is and no check of the
pieces: where pieces hold spaces inside, the segments that they may reach across are longer.
"""

from collections.abc import Iterable

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import decode

SPACE_MARK = 0x2581
"""SentencePiece's sign for a space. In a text it stands for itself and is a segment of its own."""
PAIR_WORDS = 1 << 14
"""Words of 64 bits that hold the pairs of characters, 128 KiB."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@inlined
def _pair_bit(before, code, pairs):  # type: ignore[no-untyped-def]
    hashed = (np.uint64(before << 21 | code) * MULTIPLIER) >> np.uint64(32)
    return hashed & np.uint64(64 * pairs.size - 1)


@kernel
def _fill_pairs(befores, codes, ascii_pairs, pairs):  # type: ignore[no-untyped-def]
    for pair in range(codes.size):
        before, code = befores[pair], codes[pair]
        bit = _pair_bit(before, code, pairs)
        pairs[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
        if before < 128 and code < 128:
            ascii_pairs[2 * before + (code >> 6)] |= np.uint64(1) << np.uint64(code & 63)


@inlined
def _scan(data, first, stop, ascii_pairs, pairs, starts, count):  # type: ignore[no-untyped-def]
    """Append where segments begin. A place is always written and counted or not: to guess which costs more."""
    starts[count] = first
    count += 1
    before, size = decode(data, first, stop)
    position = first + size
    while position < stop:
        code = np.int64(data[position])
        if code < 128 and before < 128:
            size = np.int64(1)
            joined = ascii_pairs[2 * before + (code >> 6)] >> np.uint64(code & 63)
        else:
            code, size = decode(data, position, stop)
            bit = _pair_bit(before, code, pairs)
            joined = pairs[bit >> np.uint64(6)] >> (bit & np.uint64(63))
            joined &= np.uint64((code != SPACE_MARK) & (before != SPACE_MARK))
        starts[count] = position
        count += 1 - np.int64(joined & np.uint64(1))
        before = code
        position += size
    return count


@kernel
def _segments(data, offsets, ascii_pairs, pairs, starts, bounds):  # type: ignore[no-untyped-def]
    """Fill starts int64[room for one a byte, and one more], and how many there are up to each document."""
    count = np.int64(0)
    for document in range(offsets.size - 1):
        if offsets[document] < offsets[document + 1]:
            count = _scan(data, offsets[document], offsets[document + 1], ascii_pairs, pairs, starts, count)
        bounds[document + 1] = count


class Segmenter:
    """Finds the segments of texts for a set of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Gather the pairs of characters in pieces, which are UTF-8.

        Pairs with a character outside ASCII are kept by a hash: a pair that is in no piece may count as one that is,
        and a segment be longer than it need be.
        """
        codes = np.frombuffer("\0".join(piece.decode() for piece in pieces).encode("utf-32-le"), np.uint32)
        inside = (codes[:-1] != 0) & (codes[1:] != 0)
        befores, codes = codes[:-1][inside].astype(np.int64), codes[1:][inside].astype(np.int64)
        self._ascii_pairs, self._pairs = np.zeros(256, np.uint64), np.zeros(PAIR_WORDS, np.uint64)
        _fill_pairs(befores, codes, self._ascii_pairs, self._pairs)

    def segments(self, texts: Texts) -> Spans:
        """Return the segments of each document, in text order; they cover it."""
        size = int(texts.offsets[-1] - texts.offsets[0])
        starts, bounds = np.empty(size + 1, np.int64), np.zeros(len(texts) + 1, np.int64)
        _segments(texts.data, texts.offsets, self._ascii_pairs, self._pairs, starts, bounds)
        starts[bounds[-1]] = texts.offsets[-1]
        starts = fixed(starts[: bounds[-1] + 1], np.int64)
        return Spans(texts.data, starts[:-1], starts[1:], fixed(bounds, np.int64))
