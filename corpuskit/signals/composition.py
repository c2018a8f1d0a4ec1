"""What a text is made of: kinds of characters, repeated words.

Characters are code points, sorted by their general category (Unicode, UAX #44, table 12) and `str.isspace()`.
"""

import functools
import math
import unicodedata

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, fixed, kernel
from corpuskit.kernels.utf8 import PAGES, CharacterTable, decode, lookup, two_levels
from corpuskit.signals.group import Signal, SignalGroup, ratio
from corpuskit.signals.unigrams import count_unigrams

OTHER, IDEOGRAPH, PUNCTUATION, SPACE, DIGIT, LETTER, UPPERCASE, SYMBOL = range(8)
"""Classes of characters; no character is in two of them. LETTER: category L* but neither IDEOGRAPH nor UPPERCASE."""

IDEOGRAPH_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
"""Code points (first, last) of CJK unified and compatibility ideographs; what is assigned there has category Lo."""

CATEGORIES = {"P": PUNCTUATION, "Nd": DIGIT, "Lu": UPPERCASE, "L": LETTER, "S": SYMBOL}
"""Classes by category, or by its first letter."""

FIRST_WORDS = 1000
"""`unique_words` looks at this many words: over whole texts the share falls with length, for novels to that of spam."""

CHUNK = 255
"""As many characters can be counted in fields of one byte."""


def class_of(character: str) -> int:
    """Return the class of a character that is no ideograph."""
    if character.isspace():
        return SPACE
    category = unicodedata.category(character)
    return CATEGORIES.get(category, CATEGORIES.get(category[0], OTHER))


@functools.cache
def character_classes() -> CharacterTable:
    """Return the table of the classes of all code points."""
    classes = np.zeros(PAGES * 256, np.uint8)
    classes[:0x20000] = [class_of(chr(code)) for code in range(0x20000)]
    for first, last in IDEOGRAPH_RANGES:
        assigned = [unicodedata.category(chr(code)) == "Lo" for code in range(first, last + 1)]
        classes[first : last + 1][assigned] = IDEOGRAPH
    return two_levels(classes)


@kernel
def _count_classes(data, offsets, units, index, pages):  # type: ignore[no-untyped-def]
    """Return int64[n, 8]: how many characters of each class each document has.

    Eight counts are kept in the bytes of one number, to be added to at once: class c is the unit 256**c.

    Args:
        data: uint8[n_bytes].
        offsets: int64[n + 1].
        units: uint64[128], the unit of each character of ASCII.
        index: int64[8192], of the table of classes.
        pages: uint8[], likewise.
    """
    counts = np.zeros((offsets.size - 1, 8), np.int64)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            packed = np.uint64(0)
            for _ in range(CHUNK):
                if position >= stop:
                    break
                if data[position] < 0x80:
                    packed += units[data[position]]
                    position += 1
                else:
                    code, length = decode(data, position, stop)
                    packed += np.uint64(1) << np.uint64(8 * lookup(index, pages, code))
                    position += length
            for field in range(8):
                counts[document, field] += np.int64((packed >> np.uint64(8 * field)) & np.uint64(255))
    return counts


def count_classes(texts: Texts) -> np.ndarray:
    """Return how many characters of each class, OTHER to SYMBOL, each document has; int64[n, 8]."""
    table = character_classes()
    units = fixed(np.uint64(1) << (np.uint64(8) * table.pages[:128].astype(np.uint64)), np.uint64)
    return _count_classes(texts.data, texts.offsets, units, table.index, table.pages)


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return float32[n] of each signal of the group; NaN where it is undefined."""
    counts = count_classes(texts)
    characters = counts.sum(axis=1)
    visible = characters - counts[:, SPACE]
    words = texts.words("unicode")
    unigrams = count_unigrams(words, FIRST_WORDS)
    bits = np.where(words.counts() > 0, unigrams.entropy / math.log(2), np.nan)
    return {
        "cjk_ratio": ratio(counts[:, IDEOGRAPH], visible),
        "punctuation_ratio": ratio(counts[:, PUNCTUATION], visible),
        "symbol_ratio": ratio(counts[:, SYMBOL], visible),
        "digit_ratio": ratio(counts[:, DIGIT], visible),
        "uppercase_ratio": ratio(counts[:, UPPERCASE], counts[:, [IDEOGRAPH, LETTER, UPPERCASE]].sum(axis=1)),
        "whitespace_ratio": ratio(counts[:, SPACE], characters),
        "unique_words": ratio(unigrams.distinct_first, np.minimum(words.counts(), FIRST_WORDS)),
        "unigram_entropy": bits.astype(np.float32),
    }


BLANK = "texts of white space alone"
NO_WORD = "texts without a word"
COMPOSITION = SignalGroup(
    name="composition",
    revision=2,
    source="corpuskit; `unigram_entropy` after RedPajama-V2 (Weber et al. 2024), over `unicode` words and in bits",
    signals={
        "cjk_ratio": Signal(pa.float32(), "0 to 1", "CJK ideographs / characters other than white space", BLANK),
        "punctuation_ratio": Signal(
            pa.float32(), "0 to 1", "characters of category P* / characters other than white space", BLANK
        ),
        "symbol_ratio": Signal(
            pa.float32(), "0 to 1", "characters of category S* / characters other than white space", BLANK
        ),
        "digit_ratio": Signal(
            pa.float32(), "0 to 1", "characters of category Nd / characters other than white space", BLANK
        ),
        "uppercase_ratio": Signal(
            pa.float32(), "0 to 1", "characters of category Lu / characters of category L*", "texts without a letter"
        ),
        "whitespace_ratio": Signal(pa.float32(), "0 to 1", "white space (`str.isspace`) / characters", "empty texts"),
        "unique_words": Signal(
            pa.float32(),
            "above 0, to 1",
            f"distinct `unicode` words among the first {FIRST_WORDS:,} / number of these (each ideograph is a word)",
            NO_WORD,
        ),
        "unigram_entropy": Signal(
            pa.float32(),
            "0 or more, in bits",
            "-sum(p log2 p) over the shares p of the distinct `unicode` words; log2(words) where none repeats",
            NO_WORD,
        ),
    },
    measure=measure,
)
