"""Texts in lower case, by the simple mapping: each character becomes one character.

Source: the Unicode character database, `Simple_Lowercase_Mapping` (UnicodeData.txt, field 13). It is `str.lower()` of
each character by itself, with two differences from that of a whole text: a capital I with a dot becomes i rather than
i and a combining dot, and a sigma at the end of a word is like any other.
"""

import functools

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import load64, store64
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import PAGES, CharacterTable, decode, lookup, two_levels

CASED = (range(0x80, 0x600), range(0x1000, 0x3000), range(0xA000, 0x10000), range(0x10000, 0x20000))
"""Code points beyond ASCII among which all capitals lie (Unicode 15); a test looks at all others."""

EIGHT = 8
HIGH_BITS = np.uint64(0x8080808080808080)
LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
FROM_A = np.uint64(0x3F3F3F3F3F3F3F3F)
"""Of eight bytes: 0x80 less the letter A. Added to a character of ASCII, it sets the high bit from A on."""
BEYOND_Z = np.uint64(0x2525252525252525)
"""0x7F less the letter Z: it sets the high bit of what follows Z."""


def simple_lower(character: str) -> str:
    """Return the one character that a character becomes."""
    return character.lower()[0]


@functools.cache
def lower_case() -> CharacterTable:
    """Return the table of the code point that each code point beyond ASCII becomes; 0 where it stays; uint32."""
    flat = np.zeros(PAGES * 256, np.uint32)
    for codes in CASED:
        for code in codes:
            if not 0xD800 <= code < 0xE000 and (lower := simple_lower(chr(code))) != chr(code):
                flat[code] = ord(lower)
    return two_levels(flat)


@inlined
def _encode(code, out, size):  # type: ignore[no-untyped-def]
    """Write a code point as UTF-8 to `out[size:]`; return the size after it."""
    if code < 0x80:
        out[size] = np.uint8(code)
        return size + 1
    if code < 0x800:
        out[size], out[size + 1] = np.uint8(0xC0 | (code >> 6)), np.uint8(0x80 | (code & 0x3F))
        return size + 2
    if code < 0x10000:
        out[size], out[size + 1] = np.uint8(0xE0 | (code >> 12)), np.uint8(0x80 | ((code >> 6) & 0x3F))
        out[size + 2] = np.uint8(0x80 | (code & 0x3F))
        return size + 3
    out[size], out[size + 1] = np.uint8(0xF0 | (code >> 18)), np.uint8(0x80 | ((code >> 12) & 0x3F))
    out[size + 2], out[size + 3] = np.uint8(0x80 | ((code >> 6) & 0x3F)), np.uint8(0x80 | (code & 0x3F))
    return size + 4


@kernel
def _lower(data, offsets, index, pages, out, out_offsets):  # type: ignore[no-untyped-def]
    """Fill out uint8[room] and out_offsets int64[n + 1], the first of which is 0.

    ASCII goes eight bytes at a time: capitals are told by two additions, and bit 5 is set in them.
    """
    size = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            while position + EIGHT <= stop:
                eight = load64(data, position)
                if eight & HIGH_BITS:
                    break
                capitals = ((eight + FROM_A) ^ (eight + BEYOND_Z)) & HIGH_BITS
                store64(out, size, eight | (capitals >> np.uint64(2)))
                position, size = position + EIGHT, size + EIGHT
            if position < stop and data[position] < 0x80:
                byte = data[position]
                out[size] = byte | 0x20 if 0x41 <= byte <= 0x5A else byte
                position, size = position + 1, size + 1
                continue
            while position < stop and data[position] >= 0x80:
                if 0xE4 <= data[position] <= 0xE9 and position + 3 <= stop:  # ideographs have no case
                    out[size], out[size + 1], out[size + 2] = data[position], data[position + 1], data[position + 2]
                    position, size = position + 3, size + 3
                    continue
                code, length = decode(data, position, stop)
                lower = lookup(index, pages, code)
                if lower:
                    size = _encode(lower, out, size)
                else:
                    for place in range(length):
                        out[size + place] = data[position + place]
                    size += length
                position += length
        out_offsets[document + 1] = size


def lowered(texts: Texts) -> Texts:
    """Return n texts in lower case, each character by itself; the bytes may be more or fewer.

    Bytes that are no UTF-8 give others that are none; nothing outside a text is read.
    """
    n_bytes = int(texts.offsets[-1] - texts.offsets[0])
    table = lower_case()
    out = np.empty(n_bytes + n_bytes // 2 + EIGHT, np.uint8)  # two bytes become three at most
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    _lower(texts.data, texts.offsets, table.index, table.pages, out, out_offsets)
    out.resize(int(out_offsets[-1]), refcheck=False)
    return Texts(fixed(out, np.uint8), out_offsets)
