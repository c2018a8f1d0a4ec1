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

import numpy as np

from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.utf8 import decode

OTHER, BLANK, FULL_STOP, MARK, WIDE_MARK, LINE_FEED, CLOSER = range(7)
"""Classes of characters."""

CHARACTERS = {
    MARK: "!?‽؟۔।॥։።",
    WIDE_MARK: "。！？｡",
    CLOSER: "\"')]}”’»›）」』】》〉",
    FULL_STOP: ".",
    LINE_FEED: "\n",
}
DULL = np.array([byte < 0x80 and chr(byte) not in ".!?\n" for byte in range(256)])
"""Bytes that change nothing inside a sentence; bool[256]."""
ABBREVIATIONS = fixed([int.from_bytes(word, "big") for word in (b"Mr", b"Mrs", b"Ms", b"Dr", b"St", b"vs")], np.int64)

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
def _ends_none(data, begin, stop):  # type: ignore[no-untyped-def]
    """Whether the `.` at `stop` follows another, a letter standing alone, or one of the ABBREVIATIONS."""
    if stop > begin and data[stop - 1] == ord("."):
        return True
    word, letters, position = np.int64(0), 0, stop - 1
    while position >= begin and letters < 4 and ord("a") <= data[position] | 0x20 <= ord("z"):
        word |= np.int64(data[position]) << (8 * letters)
        letters += 1
        position -= 1
    if letters == 1:
        return True
    for abbreviation in ABBREVIATIONS:  # noqa: SIM110 (numba compiles no generators)
        if word == abbreviation:
            return True
    return False


@kernel
def _count_sentences(data, offsets, classes):  # type: ignore[no-untyped-def]
    """Return int64[n]; classes: uint8[2**21]."""
    counts = np.zeros(offsets.size - 1, np.int64)
    for document in range(counts.size):
        begin, stop = offsets[document], offsets[document + 1]
        position, state = begin, BETWEEN
        while position < stop:
            while state == INSIDE and position < stop and DULL[data[position]]:
                position += 1
            if position == stop:
                break
            code, length = decode(data, position, stop)
            kind = classes[code]
            if kind == OTHER:
                state = INSIDE
            elif kind in (LINE_FEED, WIDE_MARK) or (kind == BLANK and state == ENDING):
                counts[document] += state != BETWEEN
                state = BETWEEN
            elif state != BETWEEN and kind in (MARK, FULL_STOP):
                state = INSIDE if kind == FULL_STOP and _ends_none(data, begin, position) else ENDING
            position += length
        counts[document] += state != BETWEEN
    return counts


def count_sentences(texts: Texts) -> np.ndarray:
    """Return the number of sentences of each document; int64[n]."""
    return _count_sentences(texts.data, texts.offsets, character_classes())
