r"""What RedPajama-V2 counts in texts as they are: tokens, sentences, symbols, capitals, ends of lines.

A token is a match of `\w+|[^\w\s]+` (NLTK's WordPunctTokenizer): a run of alphanumeric characters and `_`, or of other
characters that are no white space. Blocks of 64 bytes are held as bit masks of the classes of their characters.
"""

import functools
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from corpuskit.kernels import Texts, fixed, hash_spans, inlined, kernel
from corpuskit.kernels.blocks import ALL_BITS, BLOCK, block, equal_mask, padded, popcount, range_mask
from corpuskit.kernels.hashing import hash_span
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import PAGES, CharacterTable, decode, lookup, properties, two_levels

WORD, SPACE, UPPER, LOWER = 1, 2, 4, 8
r"""Bits of a character: `\w`, `\s`, `str.isupper`, and what keeps a token from it: small and title-case letters."""

LAST_WORD = 0x3FFFF
"""No code point after it is a letter, number or white space."""

BULLETS = "\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013"
ELLIPSIS, CLOSING_QUOTE = ord("…"), ord("”")

COUNTS = (
    "characters",
    "braces",
    "symbols",
    "tokens",
    "letter_tokens",
    "capital_tokens",
    "stop_tokens",
    "sentences",
    "lines",
)
CHARACTERS, BRACES, SYMBOLS, TOKENS, LETTER_TOKENS, CAPITAL_TOKENS, STOP_TOKENS, SENTENCES, LINES = range(9)
LINE_COUNTS = ("ellipsis_lines", "terminal_lines", "bullet_lines")

ONE = np.uint64(1)

PROBES = 4
"""Slots of the table of stop words where a word may be."""


@functools.cache
def character_bits() -> CharacterTable:
    """Return the table of the bits of all code points."""
    bits = np.zeros(PAGES * 256, np.uint8)
    for code in range(LAST_WORD + 1):
        character = chr(code)
        if not character.isprintable() and not character.isspace():  # nor is it alphanumeric
            continue
        bits[code] = WORD * (character.isalnum() or character == "_") + SPACE * character.isspace()
        bits[code] += UPPER * character.isupper()
        bits[code] += LOWER * (character.islower() or unicodedata.category(character) == "Lt")
    return two_levels(bits)


@inlined
def _runs(run, marks, seen, inside):  # type: ignore[no-untyped-def]
    """Find the runs of set bits with a mark in them: return (uint64 mask of the bits after such runs, new `seen`).

    Adding a mark to a run carries past its last bit, and nothing else does. `seen` (uint64, 0 or 1) is whether the run
    that goes on from the block before has a mark already; `inside` is the mask of all bytes of the block.
    """
    total = run + ((marks | seen) & run)
    ends = (total | seen) & ~run
    return ends & inside, np.uint64(total < run) | np.uint64((ends & ~inside) != 0)


@inlined
def _others(data, position, stop, not_ascii, length, index, pages):  # type: ignore[no-untyped-def]
    """Return (word, space, upper, lower, ellipses, length): masks of what is no ASCII in a block, and its whole length.

    The length falls where the last character does not end inside the block. All bytes of a character have its bits
    WORD and SPACE, its first byte UPPER and LOWER.
    """
    word = space = upper = lower = np.uint64(0)
    ellipses = 0
    while not_ascii:
        place = trailing_zeros(not_ascii)
        code, size = decode(data, position + place, stop)
        if place + size > length:
            return word, space, upper, lower, ellipses, place
        one = ONE << np.uint64(place)
        span = (ALL_BITS >> np.uint64(BLOCK - size)) << np.uint64(place)
        bits = lookup(index, pages, code)
        word |= span if bits & WORD else np.uint64(0)
        space |= span if bits & SPACE else np.uint64(0)
        upper |= one if bits & UPPER else np.uint64(0)
        lower |= one if bits & LOWER else np.uint64(0)
        ellipses += code == ELLIPSIS
        not_ascii &= ~span
    return word, space, upper, lower, ellipses, length


@inlined
def _is_stop_word(data, start, end, stop_words):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` is in a `stop_word_table`.

    All slots where it may be are looked at: which one it is cannot be foreseen, so that a branch would cost more.
    """
    key = hash_span(data, start, end, np.uint64(0))
    slot = np.int64(key & np.uint64(stop_words.size - PROBES))
    found = False
    for probe in range(PROBES):
        found |= stop_words[slot + probe] == key
    return found


@inlined
def _count_dots(dots, run, length):  # type: ignore[no-untyped-def]
    """Return (ellipses of three dots that end here, length of the last run, modulo 3) of a mask of dots.

    run: the length of the run of dots before the block, modulo 3.
    """
    ellipses = 0
    if dots & ((dots << ONE) | np.uint64(run > 0)):
        for place in range(length):
            run = run + 1 if (dots >> np.uint64(place)) & ONE else 0
            if run == 3:
                ellipses += 1
                run = 0
        return ellipses, run
    return 0, np.int64((dots >> np.uint64(length - 1)) & ONE)


@kernel
def _count(data, begin, stop, index, pages, stop_words, count):  # type: ignore[no-untyped-def]
    """Fill `count` int64[9], the COUNTS of `data[begin:stop]`; return the sum of its lines' shares of capitals.

    data: padded uint8[n_bytes]; index, pages: `character_bits()`; stop_words: as `_is_stop_word` takes them.
    """
    position = begin
    word_before = other_before = np.uint64(0)  # whether the byte before belongs to a token of this kind
    letter_seen = upper_seen = lower_seen = other_upper_seen = other_lower_seen = sentence_seen = np.uint64(0)
    dots_before = line_characters = line_upper = np.int64(0)
    token = begin
    shares = 0.0
    while position < stop:
        length = min(stop - position, np.int64(BLOCK))
        at, shift, inside = block(data.size, position, stop, 0)
        letters = (range_mask(data, at, np.uint8(97), np.uint8(122)) >> shift) & inside
        upper = (range_mask(data, at, np.uint8(65), np.uint8(90)) >> shift) & inside
        digits = range_mask(data, at, np.uint8(48), np.uint8(57)) | equal_mask(data, at, np.uint8(95))
        space = range_mask(data, at, np.uint8(9), np.uint8(13)) | range_mask(data, at, np.uint8(28), np.uint8(32))
        space = (space >> shift) & inside
        not_ascii = (range_mask(data, at, np.uint8(128), np.uint8(255)) >> shift) & inside
        lower = letters
        letters |= upper
        word = letters | ((digits >> shift) & inside)
        newlines = (equal_mask(data, at, np.uint8(10)) >> shift) & inside
        if not_ascii:
            other = _others(data, position, stop, not_ascii, length, index, pages)
            word, space, upper, lower = word | other[0], space | other[1], upper | other[2], lower | other[3]
            count[SYMBOLS] += other[4]
            length = other[5]
            inside = ALL_BITS >> np.uint64(BLOCK - length)
            word, space, upper = word & inside, space & inside, upper & inside
            lower, letters, newlines = lower & inside, letters & inside, newlines & inside
        visible = inside & ~word & ~space
        marks = equal_mask(data, at, np.uint8(46)) >> shift
        dots = marks & inside
        marks |= (equal_mask(data, at, np.uint8(33)) | equal_mask(data, at, np.uint8(63))) >> shift
        braces = equal_mask(data, at, np.uint8(123)) | equal_mask(data, at, np.uint8(125))
        firsts = inside & ~(range_mask(data, at, np.uint8(128), np.uint8(191)) >> shift)

        ends, letter_seen = _runs(word, letters, letter_seen, inside)
        count[LETTER_TOKENS] += popcount(ends)
        ends, upper_seen = _runs(word, upper, upper_seen, inside)
        small, lower_seen = _runs(word, lower, lower_seen, inside)
        count[CAPITAL_TOKENS] += popcount(ends & ~small)
        ends, other_upper_seen = _runs(visible, upper, other_upper_seen, inside)
        small, other_lower_seen = _runs(visible, lower, other_lower_seen, inside)
        count[CAPITAL_TOKENS] += popcount(ends & ~small)
        ends, sentence_seen = _runs(inside & ~marks, word, sentence_seen, inside)
        count[SENTENCES] += popcount(ends)
        count[CHARACTERS] += popcount(firsts)
        count[BRACES] += popcount((braces >> shift) & inside)
        count[SYMBOLS] += popcount((equal_mask(data, at, np.uint8(35)) >> shift) & inside)
        ellipses, dots_before = _count_dots(dots, dots_before, length)
        count[SYMBOLS] += ellipses

        edges = word ^ ((word << ONE) | word_before)
        count[TOKENS] += popcount(edges & word) + popcount(visible & ~((visible << ONE) | other_before))
        opens, closes = edges & word, edges & inside & ~word
        if opens and not word_before:
            token = position + trailing_zeros(opens)
            opens &= opens - ONE
        while closes:
            count[STOP_TOKENS] += _is_stop_word(data, token, position + trailing_zeros(closes), stop_words)
            closes &= closes - ONE
            if opens:
                token = position + trailing_zeros(opens)
                opens &= opens - ONE
        last = np.uint64(length - 1)
        word_before, other_before = (word >> last) & ONE, (visible >> last) & ONE

        while newlines:
            line = newlines ^ (newlines - ONE)  # up to the first line feed
            share = np.float64(line_upper + popcount(upper & line))
            shares += share / np.float64(line_characters + popcount(firsts & line))
            count[LINES] += 1
            line_characters = line_upper = np.int64(0)
            upper &= ~line
            firsts &= ~line
            newlines &= newlines - ONE
        line_characters += popcount(firsts)
        line_upper += popcount(upper)
        position += length
    count[LETTER_TOKENS] += np.int64(letter_seen)
    count[CAPITAL_TOKENS] += np.int64(upper_seen & ~lower_seen) + np.int64(other_upper_seen & ~other_lower_seen)
    count[SENTENCES] += np.int64(sentence_seen)
    if word_before:
        count[STOP_TOKENS] += _is_stop_word(data, token, stop, stop_words)
    if line_characters:
        shares += np.float64(line_upper) / np.float64(line_characters)
        count[LINES] += 1
    return shares


@kernel
def _count_lines(data, starts, ends, offsets, bullets, index, pages):  # type: ignore[no-untyped-def]
    """Return int64[n, 3], the LINE_COUNTS of n texts.

    Args:
        data: uint8[n_bytes].
        starts: int64[m], of the lines.
        ends: int64[m], likewise.
        offsets: int64[n + 1], of each text's lines.
        bullets: int64[10], code points.
        index: int64[8192], of `utf8.properties()`.
        pages: uint8[], likewise.
    """
    counts = np.zeros((offsets.size - 1, 3), np.int64)
    for document in range(offsets.size - 1):
        count = counts[document]
        for line in range(offsets[document], offsets[document + 1]):
            start, end = strip_span(data, starts[line], ends[line], index, pages)
            if start == end:
                continue
            first = np.int64(data[start])
            if first >= 0xE2:
                first, _ = decode(data, start, end)
                for bullet in bullets:
                    count[2] += bullet == first
            last = data[end - 1]
            if last == ord(".") or last == ord("!") or last == ord("?"):
                count[1] += 1
                count[0] += end - start >= 3 and data[end - 2] == ord(".") == data[end - 3] and last == ord(".")
            elif last >= 0x80 and end - start >= 3:
                code, _ = decode(data, end - 3, end)
                count[0] += code == ELLIPSIS
                count[1] += code == CLOSING_QUOTE
    return counts


@kernel
def _count_texts(data, offsets, index, pages, stop_words, counts, shares):  # type: ignore[no-untyped-def]
    """Fill counts int64[n, 9] and shares float64[n] of n texts with what `_count` gives."""
    for document in range(shares.size):
        shares[document] = _count(
            data, offsets[document], offsets[document + 1], index, pages, stop_words, counts[document]
        )


class RawCounts(NamedTuple):
    """What `count_raw` gives for n texts."""

    counts: dict[str, np.ndarray]
    """int64[n] for each of the COUNTS and LINE_COUNTS."""
    uppercase_shares: np.ndarray
    """Sum over the lines of their capitals / characters, the line feed among these; float64[n]."""


def stop_word_table(words: Iterable[str]) -> np.ndarray:
    """Return the hash table of stop words that `count_raw` takes; uint64[2**k + PROBES - 1].

    A word's hash lies in one of the PROBES slots from its lowest k bits on; empty slots hold 0.
    """
    distinct = sorted(set(words))
    offsets = np.cumsum([0, *(len(word.encode()) for word in distinct)])
    hashes = hash_spans(np.frombuffer("".join(distinct).encode(), np.uint8), offsets[:-1], offsets[1:])
    n_homes = 1 << (4 * len(distinct)).bit_length()
    while (slots := _placed(hashes.tolist(), n_homes)) is None:
        n_homes *= 2
    return slots


def _placed(keys: list[int], n_homes: int) -> np.ndarray | None:
    """Return the keys in their slots, or None if a key finds no empty one."""
    slots = np.zeros(n_homes + PROBES - 1, np.uint64)
    for key in keys:
        home = key % n_homes
        empty = np.flatnonzero(slots[home : home + PROBES] == 0)
        if not empty.size:
            return None
        slots[home + empty[0]] = key
    return fixed(slots, np.uint64)


def count_raw(texts: Texts, stop_words: np.ndarray) -> RawCounts:
    """Count tokens, sentences, symbols, capitals and kinds of lines of n texts.

    Args:
        texts: n texts.
        stop_words: a `stop_word_table`.
    """
    bits, spaces, lines = character_bits(), properties(), texts.lines()
    counts, shares = np.zeros((len(texts), len(COUNTS)), np.int64), np.zeros(len(texts))
    _count_texts(padded(texts.data), texts.offsets, bits.index, bits.pages, stop_words, counts, shares)
    bullets = fixed([ord(bullet) for bullet in BULLETS], np.int64)
    of_lines = _count_lines(texts.data, lines.starts, lines.ends, lines.offsets, bullets, spaces.index, spaces.pages)
    named = dict(zip((*COUNTS, *LINE_COUNTS), (*counts.T, *of_lines.T), strict=True))
    return RawCounts(named, shares)
