"""C4's rules for lines, as kernels: which of them drops a line, and where its citations are.

The cleaner that follows them and the signals that count them both call `judge`, so that they cannot differ. What the
rules are, and in which order they hold, is said in `corpuskit.clean.c4_lines`.
"""

from typing import NamedTuple

import numpy as np
from numba import literal_unroll

from corpuskit.kernels.blocks import BLOCK, block, caseless_mask, popcount, range_mask
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.patterns import match, patterns
from corpuskit.kernels.strip import ASCII_SPACE, skip_space
from corpuskit.kernels.utf8 import DIGIT, SPACE, decode, lookup

DOT, BRACKET, CLOSING_BRACKET, CURLY_BRACKET = (np.uint8(ord(mark)) for mark in ".[]{")
TAB, CARRIAGE_RETURN, FILE_SEPARATOR, BLANK = (np.uint8(ord(space)) for space in "\t\r\x1c ")
FIRST_LETTER, LAST_LETTER = np.uint8(ord("A")), np.uint8(ord("z"))
FIRST_BEYOND_ASCII, LAST_BYTE = np.uint8(0x80), np.uint8(0xFF)
KELVIN_SIGN = 0x212A
"""The one character beyond ASCII that `str.lower()` turns into a letter of the PHRASES alone: `k`."""


CITATIONS = patterns("[edit]", "[citation needed]")
PHRASES = patterns(
    "lorem ipsum",
    "javascript",
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
LONGEST_PHRASE = PHRASES.shape[1] - 1 + len(chr(KELVIN_SIGN).encode()) - 1
"""In bytes; no phrase has more than one `k`."""
FIRST_LETTERS = np.isin(np.arange(256), PHRASES[:, 0])
ANCHORS = tuple(
    tuple(np.uint8(byte) for byte in text) for text in (b"m ip", b"vasc", b"erms", b"licy", b"kies", b"\xaaies")
)
"""Four bytes without one of which a line has none of the PHRASES; the last byte of KELVIN SIGN is 0xaa."""
ANCHOR = len(ANCHORS[0])
LOREM, JAVASCRIPT, POLICY = 1, 2, 4
MEANINGS = (LOREM, JAVASCRIPT, POLICY, POLICY, POLICY, POLICY, POLICY, POLICY)
"""What each of the PHRASES is."""

HAS_BREAK, HAS_BRACKET, HAS_CURLY, HAS_ANCHOR = 1, 2, 4, 8
"""Bits of what few texts have, so that it is looked for in many lines at once: a break that is no line feed, `[`, `{`,
one of the ANCHORS."""
HAS_ANY = HAS_BREAK | HAS_BRACKET | HAS_CURLY | HAS_ANCHOR

KEPT = -1
LONG_WORD, NO_END_MARK, FEW_WORDS, JAVASCRIPT_LINE, POLICY_LINE, LOREM_IPSUM, CURLY = range(7)
"""What is counted: the rules that drop a line, in order, and those that would drop the page."""


class Rules(NamedTuple):
    """The numbers of a config, as kernels take them."""

    end_marks: np.ndarray
    """Code points, int64[k]; none where any line may stay."""
    min_words: int
    """At least so many words in a line."""
    bare: bool
    """Whether words are counted after citations are removed."""
    max_word: int
    """At most so many characters in a word."""


class Dialect(NamedTuple):
    """What whose rules say."""

    end_marks: str
    min_words: int
    bare: bool
    """As in `Rules`."""


DIALECTS = {
    "c4@datatrove": Dialect(".?!\"'", 3, False),
    "c4@tfds": Dialect('.?!"', 5, True),
    "c4@fineweb": Dialect("", 3, False),
    "c4": Dialect(".?!\"'”’", 3, True),
}
"""Two programs, the first as FineWeb's recipe sets it, and, as `corpuskit.signals.c4` reads it, the paper."""


@inlined
def holds(data, start, end, mark):  # type: ignore[no-untyped-def]
    """Whether the byte `mark` is in `data[start:end]`; a reduction, so that it is compiled to vectors."""
    found = False
    for byte in data[start:end]:
        found |= byte == mark
    return found


@inlined
def _citation(data, position, end, index, pages):  # type: ignore[no-untyped-def]
    """Return the length in bytes of the citation at the bracket `data[position]`, 0 if it is none."""
    after = position + 1
    while after < end:
        code, length = decode(data, after, end)
        if not lookup(index, pages, code) & DIGIT:
            break
        after += length
    if after < end and data[after] == CLOSING_BRACKET:
        return after + 1 - position
    return max(match(data, position, end, CITATIONS[0]), match(data, position, end, CITATIONS[1]))


@kernel
def copy_line(data, start, end, index, pages, out, written):  # type: ignore[no-untyped-def]
    """Copy `data[start:end]` without citations to `out[written:]`; return (its end there, their number)."""
    citations, position = 0, start
    while position < end:
        length = 0
        if data[position] == BRACKET:
            length = _citation(data, position, end, index, pages)
        if length:
            citations += 1
            position += length
        else:
            out[written] = data[position]
            written += 1
            position += 1
    return written, citations


@kernel
def _has_long_word(data, start, end, limit, index, pages):  # type: ignore[no-untyped-def]
    """Whether a word in `data[start:end]` has more than `limit` characters.

    Looks backwards for a space within reach, so that of short words most are never read.
    """
    position = start
    while end - position > limit:
        back = position + limit
        while back >= position and not ASCII_SPACE[data[back]]:
            back -= 1
        if back >= position:
            position = back + 1
            continue
        characters = 0
        while position < end:
            code, length = decode(data, position, end)
            position += length
            if lookup(index, pages, code) & SPACE:
                break
            characters += 1
            if characters > limit:
                return True
    return False


@inlined
def _ends_well(data, start, end, end_marks):  # type: ignore[no-untyped-def]
    """Whether one of the end marks, but not `...`, comes last."""
    if end == start:
        return False
    if end - start >= 3 and data[end - 1] == DOT and data[end - 2] == DOT and data[end - 3] == DOT:
        return False
    last = end - 1
    while last > start and (data[last] & 0xC0) == 0x80:
        last -= 1
    code, _ = decode(data, last, end)
    found = False
    for mark in end_marks:
        found |= mark == code
    return found


@inlined
def _words_in_block(data, start, end):  # type: ignore[no-untyped-def]
    """Return how many words begin before the first character beyond ASCII of the first 64 bytes; start < end."""
    index, shift, inside = block(data.size, start, end, 0)
    beyond = range_mask(data, index, FIRST_BEYOND_ASCII, LAST_BYTE) >> shift
    spaces = range_mask(data, index, TAB, CARRIAGE_RETURN) | range_mask(data, index, FILE_SEPARATOR, BLANK)
    spaces >>= shift
    before = beyond ^ (beyond - np.uint64(1))  # all bits where there is no such character
    return popcount(~spaces & ~beyond & ((spaces << np.uint64(1)) | np.uint64(1)) & inside & before)


@inlined
def _has_words(data, start, end, minimum, index, pages):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` has at least so many words."""
    if start < end and _words_in_block(data, start, end) >= minimum:
        return True
    position, words = skip_space(data, start, end, index, pages), 0
    while words < minimum and position < end:
        words += 1
        inside = True
        while inside and position < end:
            code, length = decode(data, position, end)
            inside = not lookup(index, pages, code) & SPACE
            position += length
        position = skip_space(data, position, end, index, pages)
    return words >= minimum


@inlined
def find_anchor(data, position, end):  # type: ignore[no-untyped-def]
    """Return where the first of the ANCHORS, in any case, begins in `data[position:end]`, else `end`."""
    stop = end - (ANCHOR - 1)
    while position < stop:
        index, shift, inside = block(data.size, position, stop, ANCHOR - 1)
        found = np.uint64(0)
        if range_mask(data, index + 2, FIRST_LETTER, LAST_LETTER):  # often there is none in scripts other than Latin
            for anchor in literal_unroll(ANCHORS):
                found |= (
                    caseless_mask(data, index, anchor[0])
                    & caseless_mask(data, index + 1, anchor[1])
                    & caseless_mask(data, index + 2, anchor[2])
                    & caseless_mask(data, index + 3, anchor[3])
                )
        found = (found >> shift) & inside
        if found:
            return position + trailing_zeros(found)
        position += BLOCK
    return end


@kernel
def _phrases_within(data, start, end, lowered):  # type: ignore[no-untyped-def]
    """Return the MEANINGS of the PHRASES in the lower-cased `data[start:end]`; lowered: scratch, at least as long."""
    size, position = 0, start
    while position < end:
        code, length = decode(data, position, end)
        if ord("A") <= code <= ord("Z"):
            code += 32
        elif code == KELVIN_SIGN:
            code = ord("k")
        lowered[size] = min(code, 0xFF)
        size += 1
        position += length
    found = 0
    for position in range(size):
        if FIRST_LETTERS[lowered[position]]:
            for phrase in range(len(MEANINGS)):
                if match(lowered, position, size, PHRASES[phrase]):
                    found |= MEANINGS[phrase]
    return found


@inlined
def _phrases(data, start, end, lowered):  # type: ignore[no-untyped-def]
    """As `_phrases_within`, looking around the ANCHORS alone; data: padded."""
    found = 0
    anchor = find_anchor(data, start, end)
    while anchor < end:
        first = max(anchor - LONGEST_PHRASE, start)
        while first > start and (data[first] & 0xC0) == 0x80:
            first -= 1
        found |= _phrases_within(data, first, min(anchor + LONGEST_PHRASE, end), lowered)
        anchor = find_anchor(data, anchor + 1, end)
    return found


@inlined
def judge(  # type: ignore[no-untyped-def]
    data, start, end, text, first, last, rules, index, pages, lowered, count, rare=HAS_ANY
):
    """Return the rule that drops a line, KEPT if none does; count the pages' rules it meets in int64[7 or more] count.

    `data[start:end]` is the stripped line, `text[first:last]` the same without citations; both padded and read-only.
    lowered: uint8 scratch, at least as long as the line; index, pages: the `utf8.properties()`; rare: what the second
    may have.
    """
    if end - start > rules.max_word and _has_long_word(data, start, end, rules.max_word, index, pages):
        return LONG_WORD
    if rules.end_marks.size and not _ends_well(text, first, last, rules.end_marks):
        return NO_END_MARK
    if rules.bare:
        enough = _has_words(text, first, last, rules.min_words, index, pages)
    else:
        enough = _has_words(data, start, end, rules.min_words, index, pages)
    if not enough:
        return FEW_WORDS
    found = 0
    if rare & HAS_ANCHOR:
        found = _phrases(text, first, last, lowered)
    count[LOREM_IPSUM] += (found & LOREM) != 0
    if found & JAVASCRIPT:
        return JAVASCRIPT_LINE
    if rare & HAS_CURLY:
        count[CURLY] += holds(text, first, last, CURLY_BRACKET)
    return POLICY_LINE if found & POLICY else KEPT
