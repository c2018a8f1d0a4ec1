r"""RedPajama-V2's normal form of texts, its words, and what is counted in them.

Without the 32 punctuation marks of ASCII, in small letters, white space stripped and collapsed, in NFD. Words are what
`str.split()` gives of that. Here white space stays as it is: a normal line is a line's words with one space between.
"""

import functools
import string
import unicodedata
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import Texts, Words, fixed, inlined, kernel
from corpuskit.kernels.blocks import popcount
from corpuskit.kernels.character_map import CharacterMap, character_map, rewrite_with
from corpuskit.kernels.hashing import ALL_BITS
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.utf8 import PAGES, CharacterTable, decode, lookup, two_levels

FINAL_SIGMA = "Σ"
"""The only character whose small letter depends on its neighbours."""

PUNCTUATION = str.maketrans("", "", string.punctuation)

LAST_NUMERIC = 0x3FFFF
"""No code point after it is numeric."""

EIGHT = 8
HIGH_BITS, LOW_BITS = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)
ZEROS, BELOW_TEN = np.uint64(0x3030303030303030), np.uint64(0x7676767676767676)
"""Of eight bytes: what turns digits of ASCII into 0 to 9, and what sets the highest bit of all else."""

LOREM, IPSUM, JAVASCRIPT = (fixed(list(word), np.uint8) for word in (b"lorem", b"ipsum", b"javascript"))


def normal(text: str) -> str:
    """Return the normal form of a text, white space as it is."""
    return unicodedata.normalize("NFD", text.translate(PUNCTUATION).lower())


@functools.cache
def _normal_characters() -> CharacterMap:
    return character_map(normal, odd=FINAL_SIGMA)


@functools.cache
def numeric_characters() -> CharacterTable:
    """Return the table of the code points that are `str.isnumeric`: 1, others 0."""
    numeric = np.zeros(PAGES * 256, np.uint8)
    numeric[: LAST_NUMERIC + 1] = [chr(code).isnumeric() for code in range(LAST_NUMERIC + 1)]
    return two_levels(numeric)


def normalized(texts: Texts) -> Texts:
    """Return the normal form of n texts; those where it depends on more than single characters through Python."""
    return rewrite_with(texts, _normal_characters(), normal)


@inlined
def _measure_slowly(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """Return the numbers of characters and of numeric ones in `data[start:end]`."""
    characters = numeric = 0
    position = start
    while position < end:
        code, length = decode(data, position, end)
        characters += 1
        numeric += lookup(index, pages, code)
        position += length
    return characters, numeric


@inlined
def _measure_word(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """As `_measure_slowly`, eight bytes of ASCII at a time."""
    numeric = 0
    position = start
    while position < end:
        if position + EIGHT > data.size:
            return _measure_slowly(data, start, end, index, pages)
        eight = load64(data, position)
        if end - position < EIGHT:
            eight &= ALL_BITS >> np.uint64(8 * (EIGHT - (end - position)))
        if eight & HIGH_BITS:
            return _measure_slowly(data, start, end, index, pages)
        numeric += EIGHT - popcount(((eight ^ ZEROS) + BELOW_TEN) & HIGH_BITS)
        position += EIGHT
    return end - start, numeric


@inlined
def _has(data, start, letters):  # type: ignore[no-untyped-def]
    """Whether the letters, uint8[k], lie at `start`; data has k bytes from there on."""
    for place in range(letters.size):  # noqa: SIM110 (numba compiles no generators)
        if data[start + place] != letters[place]:
            return False
    return True


@kernel
def _measure(  # type: ignore[no-untyped-def]
    data, starts, ends, offsets, line_ends, line_offsets, index, pages, characters, javascript, lorem_ipsum, shares
):
    """Fill characters int32[m], javascript int64[n], lorem_ipsum int64[n] and shares float64[n] of NormalCounts.

    Args:
        data: uint8[n_bytes], the normal forms.
        starts: int64[m], of their words.
        ends: int64[m], likewise.
        offsets: int64[n + 1], of each text's words.
        line_ends: int64[], of their lines.
        line_offsets: int64[n + 1], of each text's lines.
        index: int64[8192], of `numeric_characters()`.
        pages: uint8[], likewise.
        characters, javascript, lorem_ipsum, shares: filled.
    """
    for document in range(shares.size):
        line = line_offsets[document]
        line_characters = line_numeric = np.int64(0)
        after_lorem = False
        for word in range(offsets[document], offsets[document + 1]):
            start, end = starts[word], ends[word]
            if start > line_ends[line]:
                if line_characters:
                    shares[document] += np.float64(line_numeric) / np.float64(line_characters)
                line_characters = line_numeric = np.int64(0)
                while start > line_ends[line]:
                    line += 1
            count, numeric = _measure_word(data, start, end, index, pages)
            characters[word] = count
            line_characters += count + (line_characters > 0)
            line_numeric += numeric
            size = end - start
            if size == JAVASCRIPT.size and _has(data, start, JAVASCRIPT):
                javascript[document] += 1
            if after_lorem and size >= IPSUM.size and _has(data, start, IPSUM):
                lorem_ipsum[document] += 1
            after_lorem = size >= LOREM.size and _has(data, end - LOREM.size, LOREM)
        if line_characters:
            shares[document] += np.float64(line_numeric) / np.float64(line_characters)


@dataclass(frozen=True, eq=False)
class NormalCounts:
    """What `count_normal` gives for n texts."""

    words: Words
    """The m words of the normal forms."""
    characters: np.ndarray
    """Characters of each word; int32[m]."""
    javascript: np.ndarray
    """Words `javascript`; int64[n]."""
    lorem_ipsum: np.ndarray
    """Occurrences of `lorem ipsum`, parts of words too; int64[n]."""
    numeric_shares: np.ndarray
    """Sum over the lines of their numeric characters / characters; float64[n]."""


def count_normal(texts: Texts) -> NormalCounts:
    """Count words, numbers and two phrases in the normal forms of n texts."""
    normals = normalized(texts)
    words, lines, numeric = normals.words("whitespace"), normals.lines(), numeric_characters()
    characters, shares = np.empty(len(words), np.int32), np.zeros(len(texts))
    javascript, lorem_ipsum = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    _measure(
        normals.data,
        words.starts,
        words.ends,
        words.offsets,
        lines.ends,
        lines.offsets,
        numeric.index,
        numeric.pages,
        characters,
        javascript,
        lorem_ipsum,
        shares,
    )
    return NormalCounts(words, characters, javascript, lorem_ipsum, shares)
