r"""RefinedWeb's line rules as numbers (Penedo et al. 2023, appendix G.2, "Line-wise filtering").

The paper flags a line that is "mainly composed of uppercase characters", "only composed of numerical characters", "a
counter (e.g. 3 likes)", "only contains one word", or is short (at most 10 words) and matches a pattern; a page in which
flagged lines have more than 5 % of the words is dropped. What it leaves open is decided here as follows.

* Lines are those of `text.split("\n")` that are not white space alone, stripped; words are those of `str.split()`. In
  scripts written without spaces most lines are one word: the rules are for those with spaces.
* Upper case is `str.isupper()` of a character; more than half of the characters other than white space have it.
* Numerals are digits of any script (category Nd); all characters other than white space are: `1990 1991`, not `3.5`.
* A counter is a number (ASCII digits, `.` and `,` after the first, then perhaps K, M or B), white space of ASCII, and
  like, share, comment, retweet, repost, quote, bookmark, upvote, downvote, download, view or follower, perhaps with an
  s: any case, and around it whatever is neither a letter nor a digit of ASCII. The words are those that DCLM takes.
* The paper gives an example for each of its three patterns, and these are taken: at the beginning `sign-in` or `sign
  in`, at the end `read more`, perhaps with `...` or `…`, anywhere `items in cart`; in any case, as words of their own.
* The paper edits lines with a pattern and discards the others; for `flagged_words` both are flagged.

A line can be of several kinds.
"""

import functools
import unicodedata

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.blocks import block, padded, popcount, range_mask
from corpuskit.kernels.patterns import is_alphanumeric, match, match_caseless, patterns, small
from corpuskit.kernels.strip import ASCII_SPACE
from corpuskit.kernels.utf8 import decode
from corpuskit.signals.group import Signal, SignalGroup, ratio

UPPERCASE, NUMERAL, SPACE = 1, 2, 4
"""Bits of a character."""
TAB, CARRIAGE_RETURN, FILE_SEPARATOR, BLANK, ZERO, NINE, FIRST, LAST, FIRST_BEYOND_ASCII, LAST_BYTE = (
    np.uint8(ord(character)) for character in "\t\r\x1c 09AZ\x80\xff"
)
SHORT = 10
"""At most so many words in a line that matches a pattern."""


COUNTED = patterns(
    *("like", "share", "comment", "retweet", "repost", "quote"),
    *("bookmark", "upvote", "downvote", "download", "view", "follower"),
)
BEGINNINGS = patterns("sign-in", "sign in")
ENDING, ANYWHERE = patterns("read more")[0], patterns("items in cart")[0]
DOTS = patterns("...", "…")

COUNTS = ("lines", "uppercase", "numeric", "counter", "one_word", "pattern", "flagged_words")
LINES, UPPERCASE_LINES, NUMERIC_LINES, COUNTER_LINES, ONE_WORD_LINES, PATTERN_LINES, FLAGGED_WORDS = range(len(COUNTS))


@functools.cache
def character_bits() -> np.ndarray:
    """Return the bits of every number that four bytes of UTF-8 can decode to; uint8[2**21]."""
    bits = np.zeros(1 << 21, np.uint8)
    for code, character in enumerate(map(chr, range(0x20000))):
        digit = unicodedata.category(character) == "Nd"
        bits[code] = UPPERCASE * character.isupper() | NUMERAL * digit | SPACE * character.isspace()
    return fixed(bits, np.uint8)


@inlined
def _count_characters(data, position, end, bits):  # type: ignore[no-untyped-def]
    """Return how many characters of `data[position:end]` are upper case, numerals, no white space; data: padded."""
    uppercase = numerals = visible = 0
    while position < end:
        if data[position] < 0x80:
            index, shift, inside = block(data.size, position, end, 0)
            beyond = range_mask(data, index, FIRST_BEYOND_ASCII, LAST_BYTE) >> shift
            inside &= ~beyond & (beyond ^ (beyond - np.uint64(1)))  # what comes before the first beyond ASCII
            spaces = range_mask(data, index, TAB, CARRIAGE_RETURN) | range_mask(data, index, FILE_SEPARATOR, BLANK)
            uppercase += popcount((range_mask(data, index, FIRST, LAST) >> shift) & inside)
            numerals += popcount((range_mask(data, index, ZERO, NINE) >> shift) & inside)
            visible += popcount(~(spaces >> shift) & inside)
            position += popcount(inside)
        else:
            code, length = decode(data, position, end)
            uppercase += bits[code] & UPPERCASE != 0
            numerals += bits[code] & NUMERAL != 0
            visible += bits[code] & SPACE == 0
            position += length
    return uppercase, numerals, visible


@inlined
def _is_number(byte):  # type: ignore[no-untyped-def]
    """Whether the byte is a digit of ASCII."""
    return ord("0") <= byte <= ord("9")


@kernel
def _is_counter(data, position, end):  # type: ignore[no-untyped-def]
    """Whether the line `data[position:end]` is a counter."""
    while position < end and not is_alphanumeric(data[position]):
        position += 1
    if position == end or not _is_number(data[position]):
        return False
    while position < end and (_is_number(data[position]) or data[position] in (ord("."), ord(","))):
        position += 1
    if position < end and small(data[position]) in (ord("k"), ord("m"), ord("b")):
        position += 1
    counted = position
    while counted < end and ASCII_SPACE[data[counted]]:
        counted += 1
    length = 0
    for noun in range(len(COUNTED)):
        length = max(length, match_caseless(data, counted, end, COUNTED[noun]))
    if counted == position or length == 0:
        return False
    after = counted + length
    if after < end and small(data[after]) == ord("s"):
        after += 1
    while after < end and not is_alphanumeric(data[after]):
        after += 1
    return after == end


@inlined
def _matches_words(data, position, pattern, begin, end):  # type: ignore[no-untyped-def]
    """Whether a pattern lies at `position` of `data[begin:end]` with no letter or digit of ASCII beside it."""
    length = match_caseless(data, position, end, pattern)
    if length == 0 or (position > begin and is_alphanumeric(data[position - 1])):
        return False
    return position + length == end or not is_alphanumeric(data[position + length])


@kernel
def _has_pattern(data, start, end):  # type: ignore[no-untyped-def]
    """Whether the line `data[start:end]` matches one of the patterns."""
    for pattern in range(len(BEGINNINGS)):
        if _matches_words(data, start, BEGINNINGS[pattern], start, end):
            return True
    stop = end
    for dots in range(len(DOTS)):
        if end - start > 3 and match(data, end - 3, end, DOTS[dots]):
            stop = end - 3
    place = stop - (ENDING.size - 1)
    if place >= start and _matches_words(data, place, ENDING, start, stop):
        return True
    for place in range(start, end - (ANYWHERE.size - 2)):  # noqa: SIM110 (numba compiles no generators)
        if _matches_words(data, place, ANYWHERE, start, end):
            return True
    return False


@kernel
def _count(data, word_starts, word_ends, word_offsets, line_ends, line_offsets, bits):  # type: ignore[no-untyped-def]
    """Return int64[n, 7], the COUNTS of each document; data: padded."""
    counts = np.zeros((line_offsets.size - 1, len(COUNTS)), np.int64)
    for document in range(line_offsets.size - 1):
        count = counts[document]
        first, stop = word_offsets[document], word_offsets[document + 1]
        for line in range(line_offsets[document], line_offsets[document + 1]):
            after = first
            while after < stop and word_starts[after] < line_ends[line]:
                after += 1
            if after == first:
                continue
            words, start, end = after - first, word_starts[first], word_ends[after - 1]
            first = after
            uppercase, numerals, visible = _count_characters(data, start, end, bits)
            counter = numerals > 0 and _is_counter(data, start, end)
            pattern = words <= SHORT and _has_pattern(data, start, end)
            count[LINES] += 1
            count[UPPERCASE_LINES] += 2 * uppercase > visible
            count[NUMERIC_LINES] += numerals == visible
            count[COUNTER_LINES] += counter
            count[ONE_WORD_LINES] += words == 1
            count[PATTERN_LINES] += pattern
            flagged = 2 * uppercase > visible or numerals == visible or counter or words == 1 or pattern
            count[FLAGGED_WORDS] += words * flagged
    return counts


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return float32[n] of each signal of the group; NaN where it is undefined."""
    words, lines = texts.words("whitespace"), texts.lines()
    spans = (words.starts, words.ends, words.offsets, lines.ends, lines.offsets)
    counts = _count(padded(texts.data), *spans, character_bits())
    count = dict(zip(COUNTS, counts.T, strict=True))
    shares = {f"{kind}_lines": ratio(count[kind], count["lines"]) for kind in COUNTS[1:-1]}
    return shares | {"flagged_words": ratio(count["flagged_words"], words.counts())}


BLANK_TEXT = "texts of white space alone"
KINDS = {
    "uppercase_lines": "lines with more than half of their visible characters in upper case",
    "numeric_lines": "lines of digits alone",
    "counter_lines": "lines such as `3 likes` or `1.2K views`",
    "one_word_lines": "lines of one word",
    "pattern_lines": f"lines of at most {SHORT} words with `sign-in` first, `read more...` last or `items in cart`",
}
REFINEDWEB = SignalGroup(
    name="refinedweb",
    revision=1,
    source="Penedo et al. 2023 (RefinedWeb), appendix G.2; what it leaves open: see corpuskit.signals.refinedweb",
    signals={
        name: Signal(pa.float32(), "0 to 1", f"{what} / non-blank lines", BLANK_TEXT) for name, what in KINDS.items()
    }
    | {
        "flagged_words": Signal(
            pa.float32(), "0 to 1", "words of lines of any of these kinds / words; the paper allows 0.05", BLANK_TEXT
        )
    },
    measure=measure,
)
