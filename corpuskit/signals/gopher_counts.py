"""What Gopher's quality signals are made of: kernels that count words, symbols and lines."""

import numpy as np

from corpuskit.kernels import Spans, Texts, fixed, inlined, kernel
from corpuskit.kernels.blocks import BLOCK, block, equal_mask, padded, popcount, range_mask
from corpuskit.kernels.breaks import find_break
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.short_words import ShortWords, find_short, load_bytes
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import CharacterTable, decode, lookup, properties

ALPHABETIC, WORDLIKE = 1, 2
"""Bits of a character: `ALPHABETIC` makes a word alphabetic, `WORDLIKE` makes a token more than a symbol."""

WORD_COUNTS = ("tokens", "words", "word_characters", "alpha_words", "stop_words")
TOKENS, WORDS, WORD_CHARACTERS, ALPHA_WORDS, STOP_WORDS = range(len(WORD_COUNTS))
LINE_COUNTS = ("lines", "blank_lines", "bullet_lines", "ellipsis_lines")
LINES, BLANK_LINES, BULLET_LINES, ELLIPSIS_LINES = range(len(LINE_COUNTS))

ONE = np.uint64(1)
HIGH = np.uint64(0x8080808080808080)
LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
SMALL = np.uint64(0x2020202020202020)
FROM_A = np.uint64((0x80 - ord("a")) * 0x0101010101010101)
BEHIND_Z = np.uint64((0x80 - ord("z") - 1) * 0x0101010101010101)
"""What added to a byte below 0x80 sets its highest bit if it is `a` or later, or behind `z`."""

HASH, DOT = np.uint8(ord("#")), np.uint8(ord("."))
FIRST_CONTINUATION, LAST_CONTINUATION = np.uint8(0x80), np.uint8(0xBF)
THREE_BYTES = np.uint64(0xE0)
"""The bits of the first byte of a character of three bytes."""
ELLIPSIS = tuple(np.uint8(byte) for byte in "…".encode())
LAST_DOTS, LAST_ELLIPSIS = (int.from_bytes(text.encode(), "big") for text in ("...", "…"))


@inlined
def _count_characters(data, start, end):  # type: ignore[no-untyped-def]
    """Return the characters of `data[start:end]`: its bytes, less those that continue one; data: padded."""
    count = end - start
    for position in range(start, end, BLOCK):
        index, shift, valid = block(data.size, position, end, 0)
        count -= popcount((range_mask(data, index, FIRST_CONTINUATION, LAST_CONTINUATION) >> shift) & valid)
    return count


@inlined
def _look_up(data, position, end, index, pages):  # type: ignore[no-untyped-def]
    """Return the bits of the characters of `data[position:end]`, up to the first alphabetic one."""
    bits = np.int64(0)
    while position < end and not bits & ALPHABETIC:
        code, length = decode(data, position, end)
        bits |= lookup(index, pages, code)
        position += length
    return bits


@inlined
def _look_up_three(value, index, pages):  # type: ignore[no-untyped-def]
    """Return the bits of the character of three bytes that begins the little-endian uint64 `value`."""
    code = np.int64(value)
    return lookup(index, pages, ((code & 0x0F) << 12) | ((code & 0x3F00) >> 2) | ((code >> 16) & 0x3F))


@inlined
def _has_letter(value):  # type: ignore[no-untyped-def]
    """Whether a letter of ASCII is among the 8 bytes of a uint64."""
    small = (value & LOW) | SMALL
    return ((small + FROM_A) & ~(small + BEHIND_Z) & ~value & HIGH) != 0


@kernel
def _count_words(data, starts, ends, offsets, index, pages, slots, multiplier, shift):  # type: ignore[no-untyped-def]
    """Return int64[n, 5]; data: padded.

    Most words are told without a branch that is hard to foresee: those of one character of three bytes, of one byte,
    or with a letter of ASCII among the first 8 bytes. Characters of words are all those that are not found elsewhere:
    most gaps are one byte or none.
    """
    counts = np.zeros((offsets.size - 1, len(WORD_COUNTS)), np.int64)
    for document in range(offsets.size - 1):
        first, stop = offsets[document], offsets[document + 1]
        words = alpha_words = elsewhere = characters = np.int64(0)
        found = np.uint64(0)
        if stop > first:
            last = starts[first]
            characters = _count_characters(data, last, ends[stop - 1])
        for word in range(first, stop):
            start, end = starts[word], ends[word]
            length = end - start
            elsewhere += start - last if start - last < 2 else _count_characters(data, last, start)
            last = end
            value = load_bytes(data, start, length)
            if value & THREE_BYTES == THREE_BYTES and length == 3:
                bits = _look_up_three(value, index, pages)
                outside = (bits >> 1) ^ 1
            else:
                slot = find_short(value, length, slots, multiplier, shift)
                found |= np.uint64(slot >= 0) << np.uint64(slot & 63)
                has_letter = np.int64(_has_letter(value))
                bits = np.int64(pages[np.int64(value) & 0x7F]) | (-has_letter & (ALPHABETIC | WORDLIKE))
                outside = (bits >> 1) ^ 1
                if (length > 1) & (has_letter == 0):
                    bits = _look_up(data, start, end, index, pages)
                    outside = np.int64(0) if bits & WORDLIKE else _count_characters(data, start, end)
            words += bits >> 1
            alpha_words += bits & ALPHABETIC
            elsewhere += outside
        count = counts[document]
        count[TOKENS] = stop - first
        count[WORDS] = words
        count[WORD_CHARACTERS] = characters - elsewhere
        count[ALPHA_WORDS] = alpha_words
        count[STOP_WORDS] = popcount(found)
    return counts


def count_words(words: Spans, table: CharacterTable, stop_words: ShortWords) -> dict[str, np.ndarray]:
    """Return the `WORD_COUNTS` of each document; int64[n] each.

    Args:
        words: The words (tokens) of the documents.
        table: The bits ALPHABETIC and WORDLIKE of each character; an alphabetic one is wordlike.
        stop_words: 32 at most. Those that occur are counted, once each.
    """
    arrays = words.starts, words.ends, words.offsets, table.index, table.pages
    counts = _count_words(padded(words.data), *arrays, stop_words.slots, stop_words.multiplier, stop_words.shift)
    return dict(zip(WORD_COUNTS, counts.T, strict=True))


@kernel
def _count_symbols(data, offsets):  # type: ignore[no-untyped-def]
    """Return int64[n, 2]: how often each document has `#`, and `...` (from the left, without overlap) or `…`."""
    counts = np.zeros((offsets.size - 1, 2), np.int64)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        hashes = ellipses = np.int64(0)
        counted = position
        while position < stop:
            index, shift, valid = block(data.size, position, stop, 0)
            hashes += popcount((equal_mask(data, index, HASH) >> shift) & valid)
            dots = (equal_mask(data, index, DOT) >> shift) & valid
            if dots & (dots >> ONE) or dots >> np.uint64(63):
                while dots:
                    place = position + trailing_zeros(dots)
                    dots &= dots - ONE
                    if place >= counted and place + 3 <= stop and data[place + 1] == DOT and data[place + 2] == DOT:
                        ellipses += 1
                        counted = place + 3
            leads = (equal_mask(data, index, ELLIPSIS[0]) >> shift) & valid
            while leads:
                place = position + trailing_zeros(leads)
                leads &= leads - ONE
                if place + 3 <= stop:
                    ellipses += data[place + 1] == ELLIPSIS[1] and data[place + 2] == ELLIPSIS[2]
            position += BLOCK
        counts[document, 0] = hashes
        counts[document, 1] = ellipses
    return counts


def count_symbols(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of `#` and of `...` or `…` in each document; int64[n] each."""
    counts = _count_symbols(padded(texts.data), texts.offsets)
    return counts[:, 0], counts[:, 1]


@inlined
def _is_bullet(data, start, end, bullets):  # type: ignore[no-untyped-def]
    """Whether the first character of `data[start:end]` is one of the code points."""
    if start == end:
        return False
    first, _ = decode(data, start, end)
    for code in bullets:  # noqa: SIM110 (numba compiles no generators)
        if code == first:
            return True
    return False


@inlined
def _ends_with_ellipsis(data, start, end):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` ends with `...` or `…`."""
    if end - start < 3:
        return False
    last = (np.int64(data[end - 3]) << 16) | (np.int64(data[end - 2]) << 8) | np.int64(data[end - 1])
    return last in (LAST_DOTS, LAST_ELLIPSIS)


@inlined
def _count_line(data, start, end, index, pages, bullets, count):  # type: ignore[no-untyped-def]
    """Add the line `data[start:end]`, white space at its ends ignored, to the LINE_COUNTS `count`."""
    start, end = strip_span(data, start, end, index, pages)
    count[LINES] += 1
    count[BLANK_LINES] += start == end
    count[BULLET_LINES] += _is_bullet(data, start, end, bullets)
    count[ELLIPSIS_LINES] += _ends_with_ellipsis(data, start, end)


@kernel
def _count_lines(data, offsets, starts, ends, line_offsets, index, pages, bullets):  # type: ignore[no-untyped-def]
    """Return int64[n, 4], the LINE_COUNTS of lines that a scan found."""
    counts = np.zeros((offsets.size - 1, len(LINE_COUNTS)), np.int64)
    for document in range(offsets.size - 1):
        for line in range(line_offsets[document], line_offsets[document + 1]):
            _count_line(data, starts[line], ends[line], index, pages, bullets, counts[document])
    return counts


@kernel
def _count_split_lines(data, offsets, index, pages, bullets):  # type: ignore[no-untyped-def]
    """Return int64[n, 4], the LINE_COUNTS of the lines of `str.splitlines()`; data: padded."""
    counts = np.zeros((offsets.size - 1, len(LINE_COUNTS)), np.int64)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            end, after = find_break(data, position, stop)
            _count_line(data, position, end, index, pages, bullets, counts[document])
            position = after
    return counts


def count_lines(texts: Texts, bullets: str, *, all_breaks: bool) -> dict[str, np.ndarray]:
    r"""Return the `LINE_COUNTS` of each document; int64[n] each.

    Args:
        texts: n documents.
        bullets: The characters that give a line a bullet where they come first.
        all_breaks: Whether lines are those of `str.splitlines()`, rather than of `split("\n")`.
    """
    table = properties()
    codes = fixed([ord(bullet) for bullet in bullets], np.int64)
    tables = table.index, table.pages, codes
    if all_breaks:
        counts = _count_split_lines(padded(texts.data), texts.offsets, *tables)
    else:
        lines = texts.lines()
        counts = _count_lines(texts.data, texts.offsets, lines.starts, lines.ends, lines.offsets, *tables)
    return dict(zip(LINE_COUNTS, counts.T, strict=True))
