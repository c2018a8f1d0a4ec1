"""UTF-8 decoding and the Unicode properties of characters."""

import functools
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel

if TYPE_CHECKING:
    from corpuskit.kernels.texts import Texts

UNICODE_VERSION = unicodedata.unidata_version
"""The version of the Unicode character database (Python's own) that decides what a word is."""

LETTER, MARK, DIGIT, SPACE, ALONE = 1, 2, 4, 8, 16
"""Bits of a character's properties: category L*, category M*, category Nd, `str.isspace`, a word by itself."""

ALONE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark and zero
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK unified ideographs
    (0xA9E0, 0xA9FF),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAFF),  # CJK compatibility ideographs
    (0xFF66, 0xFF9F),  # halfwidth Katakana
    (0x1AFF0, 0x1B16F),  # kana extended B, supplement, extended A, small kana
    (0x20000, 0x3FFFF),  # CJK extensions B and later
)
"""Code points (first, last) whose letters are words by themselves: scripts written without spaces between words."""

IDEOGRAPHIC_ZERO = 0x3007
"""The digit of 二〇二四; its category is Nl, but it is an ideograph all the same."""

PLANES = (0, 1, 2, 3, 14)
"""Planes with letters, marks, digits or spaces; the others are unassigned or for private use."""

PAGES = 0x2000
"""Page numbers for every value that four bytes can decode to, valid UTF-8 or not: no lookup is out of bounds."""


@dataclass(frozen=True, eq=False)
class CharacterTable:
    """One byte (or wider integer) per code point in two levels: `pages[256 * index[code >> 8] + (code & 255)]`."""

    index: np.ndarray
    """Page number of each 256 code points; int64[8192]."""
    pages: np.ndarray
    """The distinct pages one after the other; uint8[256 * number of pages]. ASCII is the first."""

    def map(self, values: np.ndarray) -> "CharacterTable":
        """Return the table with each byte `b` replaced by `values[b]`; values: uint8[256]."""
        return CharacterTable(self.index, fixed(values[self.pages], np.uint8))


@functools.cache
def properties() -> CharacterTable:
    """Return the table of properties (bits LETTER, MARK, DIGIT, SPACE, ALONE) of all code points; takes some 40 ms."""
    flat = np.zeros(PAGES * 256, np.uint8)
    bits = {name: _category_bits(name) for name in ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd")}
    for plane in PLANES:
        codes = range(plane << 16, (plane + 1) << 16)
        categories = map(unicodedata.category, map(chr, codes))
        flat[codes.start : codes.stop] = np.frombuffer(bytes(bits.get(name, 0) for name in categories), np.uint8)
    flat[[code for code in range(0x10000) if chr(code).isspace()]] |= SPACE
    flat[IDEOGRAPHIC_ZERO] |= LETTER
    for first, last in ALONE_RANGES:
        block = flat[first : last + 1]
        block[(block & LETTER) != 0] |= ALONE
    return two_levels(flat)


def _category_bits(category: str) -> int:
    return {"L": LETTER, "M": MARK, "N": DIGIT}[category[0]]


def two_levels(flat: np.ndarray) -> CharacterTable:
    """Return the table of a value per code point; flat: uint8[2**21] or another integer type, which the pages keep."""
    numbers: dict[bytes, int] = {}
    index = [numbers.setdefault(page.tobytes(), len(numbers)) for page in flat.reshape(-1, 256)]
    return CharacterTable(fixed(index, np.int64), fixed(np.frombuffer(b"".join(numbers), flat.dtype), flat.dtype))


@inlined
def decode(data: np.ndarray, position: np.int64, stop: np.int64) -> tuple[np.int64, np.int64]:
    """Return (code point, length in bytes) of the character at `data[position]`, reading nothing at or after `stop`.

    data: uint8[n_bytes]. What is no UTF-8 decodes to some number below 2**21 and a length of at least 1 that does not
    pass `stop`.
    """
    first = np.int64(data[position])
    if first < 0x80:
        return first, np.int64(1)
    length = np.int64(2 + (first >= 0xE0) + (first >= 0xF0))
    if position + length > stop:
        return np.int64(0xFFFD), stop - position
    second = np.int64(data[position + 1]) & 0x3F
    if length == 2:
        return ((first & 0x1F) << 6) | second, length
    third = np.int64(data[position + 2]) & 0x3F
    if length == 3:
        return ((first & 0x0F) << 12) | (second << 6) | third, length
    return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (np.int64(data[position + 3]) & 0x3F), length


@inlined
def lookup(index: np.ndarray, pages: np.ndarray, code: np.int64) -> np.int64:
    """Return the byte that a `CharacterTable` (its two arrays) holds for a code point below 2**21, as int64."""
    return np.int64(pages[(index[code >> 8] << 8) | (code & 0xFF)])


@kernel
def _characters(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    counts = np.empty(offsets.size - 1, np.int64)
    for document in range(counts.size):
        count = 0
        for byte in data[offsets[document] : offsets[document + 1]]:
            count += (byte & 0xC0) != 0x80
        counts[document] = count
    return counts


def characters(texts: "Texts") -> np.ndarray:
    """Return the number of code points of each document; int64[n]."""
    return _characters(texts.data, texts.offsets)
