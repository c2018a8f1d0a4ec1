"""What a text is made of: ideographs, punctuation, repeated words."""

import functools
import unicodedata

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, fixed, kernel
from corpuskit.kernels.utf8 import decode
from corpuskit.signals.group import Signal, SignalGroup, ratio

IDEOGRAPH, PUNCTUATION, SPACE = 1, 2, 3
"""Classes of characters; 0 for all others. No character is in two of them."""

IDEOGRAPH_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
"""Code points (first, last) of CJK unified and compatibility ideographs; what is assigned there has category Lo."""

FIRST_WORDS = 1000
"""`unique_words` looks at this many words: over whole texts the share falls with length, for novels to that of spam."""

SLOTS = 4096
"""Slots of the hash set for FIRST_WORDS words: a power of two, under a quarter full."""


@functools.cache
def character_classes() -> np.ndarray:
    """Return the class of every number that four bytes of UTF-8 can decode to; uint8[2**21]."""
    classes = np.zeros(1 << 21, np.uint8)
    for code in range(0x20000):
        character = chr(code)
        if character.isspace():
            classes[code] = SPACE
        elif unicodedata.category(character)[0] == "P":
            classes[code] = PUNCTUATION
    for first, last in IDEOGRAPH_RANGES:
        assigned = [unicodedata.category(chr(code)) == "Lo" for code in range(first, last + 1)]
        classes[first : last + 1][assigned] = IDEOGRAPH
    return fixed(classes, np.uint8)


@kernel
def _count_classes(data, offsets, classes):  # type: ignore[no-untyped-def]
    """Return int64[n, 4]: how many characters of each class (uint8[2**21]) each document has."""
    counts = np.zeros((offsets.size - 1, 4), np.int64)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            code, length = decode(data, position, stop)
            counts[document, classes[code]] += 1
            position += length
    return counts


@kernel
def _count_distinct(hashes, offsets, first):  # type: ignore[no-untyped-def]
    """Return int64[n]: the distinct hashes (uint64[m]) among the `first` ones of each document.

    A slot belongs to the document whose number it carries, so the set is never cleared.
    """
    slots = np.empty(SLOTS, np.uint64)
    owners = np.full(SLOTS, -1, np.int64)
    distinct = np.zeros(offsets.size - 1, np.int64)
    for document in range(distinct.size):
        for word in range(offsets[document], min(offsets[document + 1], offsets[document] + first)):
            slot = np.int64(hashes[word] & np.uint64(SLOTS - 1))
            while owners[slot] == document and slots[slot] != hashes[word]:
                slot = (slot + 1) & (SLOTS - 1)
            distinct[document] += owners[slot] != document
            owners[slot] = document
            slots[slot] = hashes[word]
    return distinct


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return float32[n] of each signal of the group; NaN where it is undefined."""
    counts = _count_classes(texts.data, texts.offsets, character_classes())
    visible = counts.sum(axis=1) - counts[:, SPACE]
    words = texts.words("unicode")
    distinct = _count_distinct(words.hashes(), words.offsets, FIRST_WORDS)
    return {
        "cjk_ratio": ratio(counts[:, IDEOGRAPH], visible),
        "punctuation_ratio": ratio(counts[:, PUNCTUATION], visible),
        "unique_words": ratio(distinct, np.minimum(words.counts(), FIRST_WORDS)),
    }


BLANK = "texts of white space alone"
COMPOSITION = SignalGroup(
    name="composition",
    revision=1,
    source="corpuskit",
    signals={
        "cjk_ratio": Signal(pa.float32(), "0 to 1", "CJK ideographs / characters other than white space", BLANK),
        "punctuation_ratio": Signal(
            pa.float32(), "0 to 1", "characters of category P* / characters other than white space", BLANK
        ),
        "unique_words": Signal(
            pa.float32(),
            "above 0, to 1",
            f"distinct `unicode` words among the first {FIRST_WORDS:,} / number of these (each ideograph is a word)",
            "texts without a word",
        ),
    },
    measure=measure,
)
