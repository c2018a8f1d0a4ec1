"""A count of sentences without a model.

A sentence ends

* with a line;
* at `.`, `!` or `?`, then any closing quotes and brackets, then white space. A `.` does not end it after another `.`,
  after a letter standing alone (`J. Smith`, `U.S.`, `e.g.`), or after Mr, Mrs, Ms, Dr, St or vs;
* at `。`, `！`, `？` or `｡`, whatever follows.

Marks and spaces between two ends are no sentence.

Beside spaCy's sentencizer (English, as datatrove uses it), on the lines that C4's rules leave: the same count for 87 %
of 1,030 C4 pages and 89 % of 3,006 film reviews, the same side of "fewer than 5" for 99.6 % and 98.6 %.
"""

import functools
from typing import TYPE_CHECKING

import numpy as np

from corpuskit.kernels.blocks import ALL_BITS, BLOCK, block, equal_mask, padded, range_mask
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import leading_zeros, load64, trailing_zeros
from corpuskit.kernels.utf8 import decode

if TYPE_CHECKING:
    from corpuskit.kernels.texts import Texts

OTHER, BLANK, FULL_STOP, MARK, WIDE_MARK, LINE_FEED, CLOSER = range(7)
"""Classes of characters."""

CHARACTERS = {
    MARK: "!?‽؟۔।॥։።",
    WIDE_MARK: "。！？｡",
    CLOSER: "\"')]}”’»›）」』】》〉",
    FULL_STOP: ".",
    LINE_FEED: "\n",
}
DOT, EXCLAMATION_MARK, QUESTION_MARK, NEWLINE = (np.uint8(ord(mark)) for mark in ".!?\n")
ARMENIAN, ARABIC, URDU, IDEOGRAPHIC, WIDE = (np.uint8(byte) for byte in (0xD6, 0xD8, 0xDB, 0xE3, 0xEF))
INDIC, GENERAL = np.uint8(0xE0), np.uint8(0xE2)
"""The first bytes of the MARK and WIDE_MARK characters beyond ASCII; 0xE1, that of `።`, lies between the last two."""
ABBREVIATIONS = fixed(
    [int.from_bytes(word, "little") for word in (b"Mr", b"Mrs", b"Ms", b"Dr", b"St", b"vs")], np.uint64
)
EACH, HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
"""One in each of eight bytes, and the highest bit of each."""
NONE = np.uint64(0)

BETWEEN, INSIDE, ENDING = range(3)
"""States: no sentence has begun, inside one, after its end mark."""


@functools.cache
def character_classes() -> np.ndarray:
    """Return the class of every number that four bytes of UTF-8 can decode to; uint8[2**21]."""
    classes = np.zeros(1 << 21, np.uint8)
    classes[[code for code in range(0x10000) if chr(code).isspace()]] = BLANK
    for kind, characters in CHARACTERS.items():
        classes[[ord(character) for character in characters]] = kind
    return fixed(classes, np.uint8)


@inlined
def _last_word(data, begin, stop):  # type: ignore[no-untyped-def]
    """Return (the last 8 letters of ASCII of `data[begin:stop]` as a little-endian uint64, how many there are).

    They are those before the first byte, from the end, that is no such letter; data: padded, begin < stop.
    """
    index = max(stop - 8, 0)
    eight = load64(data, index) << np.uint64(8 * (8 - (stop - index)))
    eight &= ALL_BITS << np.uint64(8 * max(8 - (stop - begin), 0))
    small = (eight | EACH * np.uint64(0x20)) & ~HIGH_BITS
    letters = (small + EACH * np.uint64(0x80 - ord("a"))) & ~(small + EACH * np.uint64(0x7F - ord("z"))) & ~eight
    others = leading_zeros(~letters & HIGH_BITS) & 0x78
    return eight >> np.uint64(min(64 - others, 63)), others >> 3


@inlined
def _ends_none(data, begin, stop):  # type: ignore[no-untyped-def]
    """Whether the `.` at `stop` follows another, a letter standing alone, or one of the ABBREVIATIONS.

    data: padded; begin < stop.
    """
    word, letters = _last_word(data, begin, stop)
    ends_none = (letters == 1) | (data[stop - 1] == DOT)
    for abbreviation in ABBREVIATIONS:
        ends_none |= word == abbreviation
    return ends_none


@inlined
def _find_marks(data, position, stop):  # type: ignore[no-untyped-def]
    """Return the mask of the 64 bytes from `position` on with which marks and line feeds may begin; position < stop."""
    index, shift, inside = block(data.size, position, stop, 0)
    marks = equal_mask(data, index, DOT) | equal_mask(data, index, NEWLINE)
    marks |= equal_mask(data, index, EXCLAMATION_MARK) | equal_mask(data, index, QUESTION_MARK)
    marks |= range_mask(data, index, INDIC, IDEOGRAPHIC) | equal_mask(data, index, WIDE)
    marks |= equal_mask(data, index, ARMENIAN) | equal_mask(data, index, ARABIC) | equal_mask(data, index, URDU)
    return (marks >> shift) & inside


@inlined
def sentences_within(data, begin, stop, classes):  # type: ignore[no-untyped-def]
    """Return the number of sentences in `data[begin:stop]`; data: padded uint8[n], classes: `character_classes()`."""
    position, state, count = begin, BETWEEN, 0
    seen, marks = begin, NONE  # marks: those of the block that ends at `seen`
    while position < stop:
        if state == INSIDE:  # nothing but marks and line feeds changes anything
            if position < seen:
                marks &= ALL_BITS << np.uint64(position - (seen - BLOCK))
            else:
                seen, marks = position, NONE
            while not marks and seen < stop:
                marks = _find_marks(data, seen, stop)
                seen += BLOCK
            if not marks:
                break
            position = seen - BLOCK + trailing_zeros(marks)
        code, length = decode(data, position, stop)
        kind = classes[code]
        if kind == OTHER:
            state = INSIDE
        elif kind in (LINE_FEED, WIDE_MARK) or (kind == BLANK and state == ENDING):
            count += state != BETWEEN
            state = BETWEEN
        elif state != BETWEEN and kind in (MARK, FULL_STOP):
            state = INSIDE if kind == FULL_STOP and _ends_none(data, begin, position) else ENDING
        position += length
    return count + (state != BETWEEN)


@kernel
def _count_sentences(data, offsets, classes):  # type: ignore[no-untyped-def]
    """Return int64[n]."""
    counts = np.empty(offsets.size - 1, np.int64)
    for document in range(counts.size):
        counts[document] = sentences_within(data, offsets[document], offsets[document + 1], classes)
    return counts


def count_sentences(texts: "Texts") -> np.ndarray:
    """Return the number of sentences of each document; int64[n]."""
    return _count_sentences(padded(texts.data), texts.offsets, character_classes())
