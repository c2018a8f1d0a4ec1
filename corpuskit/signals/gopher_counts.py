"""What Gopher's quality signals are made of: kernels that count words, symbols and lines."""

import numpy as np

from corpuskit.kernels import Spans, Texts, fixed, inlined, kernel
from corpuskit.kernels.blocks import BLOCK, block, equal_mask, padded, popcount, range_mask
from corpuskit.kernels.breaks import find_break
from corpuskit.kernels.intrinsics import load64, trailing_zeros
from corpuskit.kernels.short_words import ShortWords, find_short, load_bytes
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import CharacterTable, decode, lookup, properties

ALPHABETIC, WORDLIKE = 1, 2
"""Bits of a character: `ALPHABETIC` makes a word alphabetic, `WORDLIKE` makes a token more than a symbol."""

WORD_COUNTS = ("tokens", "words", "word_characters", "alpha_words", "stop_words")
TOKENS, WORDS, WORD_CHARACTERS, ALPHA_WORDS, STOP_WORDS = range(len(WORD_COUNTS))
LINE_COUNTS = ("lines", "blank_lines", "bullet_lines", "ellipsis_lines")
LINES, BLANK_LINES, BULLET_LINES, ELLIPSIS_LINES = range(len(LINE_COUNTS))

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
HALF, LOWER_HALF = 32, (1 << 32) - 1
"""Two counts are kept in one int64: wordlike words in its upper half, alphabetic ones in its lower."""
FIRST_OF_THREE = np.uint8(0xE0)
LONGEST_WORD = 1 << 62
HASH, DOT = np.uint8(ord("#")), np.uint8(ord("."))
FIRST_CONTINUATION, LAST_CONTINUATION = np.uint8(0x80), np.uint8(0xBF)
ELLIPSIS = tuple(np.uint8(byte) for byte in "…".encode())
LAST_DOTS, LAST_ELLIPSIS = (int.from_bytes(text.encode(), "big") for text in ("...", "…"))


@inlined
def _addition(bits):  # type: ignore[no-untyped-def]
    """Return what a word adds to the two counts; bits: those of its characters, int64."""
    return (bits & ALPHABETIC) | ((bits >> 1) << HALF)


@inlined
def _count_continuations(data, start, end):  # type: ignore[no-untyped-def]
    """Return the number of bytes of `data[start:end]` that continue a character (0b10xxxxxx); data: padded."""
    count = np.int64(0)
    for position in range(start, end, BLOCK):
        index, shift, valid = block(data.size, position, end, 0)
        count += popcount((range_mask(data, index, FIRST_CONTINUATION, LAST_CONTINUATION) >> shift) & valid)
    return count


@inlined
def _count_continuations_in_words(data, starts, ends, first, stop):  # type: ignore[no-untyped-def]
    """Return the number of bytes that continue a character in the words `first` to `stop`.

    It is less work to look at the gaps between words: most are one byte or none.
    """
    if stop == first:
        return np.int64(0)
    count = _count_continuations(data, starts[first], ends[stop - 1])
    if count:
        for word in range(np.uint64(first), np.uint64(stop - 1)):
            end, start = ends[word], starts[word + ONE]
            if start - end > 1:
                count -= _count_continuations(data, end, start)
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
def _look_up_three(data, start, index, pages):  # type: ignore[no-untyped-def]
    """Return the bits of the character of three bytes at `start`, a uint64."""
    code = (np.int64(data[start]) & 0x0F) << 12
    code |= (np.int64(data[start + ONE]) & 0x3F) << 6
    return lookup(index, pages, code | (np.int64(data[start + TWO]) & 0x3F))


@inlined
def _count_plain(  # type: ignore[no-untyped-def]
    data, starts, ends, first, stop, limits, additions, index, pages, slots, multiplier, shift, aside
):
    """Count the words that their first character decides, in few instructions.

    Those are words that begin with a letter of ASCII, and words of one character of one or three bytes. Numbers are
    unsigned where they index: numba takes a signed one for a place from the end of the array if it is below zero.

    Returns:
        How many of the words `first` to `stop` are put into `aside`, undecided; of the others, how many are wordlike
        and how many alphabetic; the bytes of all together; a bit for each stop word, uint64.
    """
    n_aside = counted = n_bytes = np.int64(0)
    found = np.uint64(0)
    for word in range(np.uint64(first), np.uint64(stop)):
        start = np.uint64(starts[word])
        length = np.uint64(ends[word]) - start
        lead = data[start]
        n_bytes += np.int64(length)
        if length <= limits[lead]:
            counted += additions[lead]
            found |= find_short(load64(data, np.int64(start)), length, slots, multiplier, shift)
        elif length == THREE and lead >= FIRST_OF_THREE:
            counted += _addition(_look_up_three(data, start, index, pages))
        else:
            aside[n_aside] = word
            n_aside += 1
    return n_aside, counted >> HALF, counted & LOWER_HALF, n_bytes, found


@inlined
def _plain_stop(starts, first, stop, size):  # type: ignore[no-untyped-def]
    """Return the first of the words `first` to `stop` that begins less than 8 bytes before the end of the data."""
    while stop > first and starts[stop - 1] > size - 8:
        stop -= 1
    return stop


@kernel
def _count_words(  # type: ignore[no-untyped-def]
    data, starts, ends, offsets, limits, additions, index, pages, slots, multiplier, shift, aside
):
    """Return int64[n, 5]; data: padded; aside: int64, a place for each word of any document."""
    counts = np.zeros((offsets.size - 1, len(WORD_COUNTS)), np.int64)
    for document in range(offsets.size - 1):
        first, stop = offsets[document], offsets[document + 1]
        plain_stop = _plain_stop(starts, first, stop, data.size)
        n_aside, words, alpha_words, characters, found = _count_plain(
            data, starts, ends, first, plain_stop, limits, additions, index, pages, slots, multiplier, shift, aside
        )
        characters -= plain_stop - first - n_aside - words  # the words that are not wordlike have one character
        for word in range(plain_stop, stop):
            aside[n_aside] = word
            n_aside += 1
            characters += ends[word] - starts[word]
        for place in range(n_aside):
            start, end = starts[aside[place]], ends[aside[place]]
            found |= find_short(load_bytes(data, start, end - start), end - start, slots, multiplier, shift)
            bits = _look_up(data, start, end, index, pages)
            words += bits >> 1
            alpha_words += bits & ALPHABETIC
            if not bits & WORDLIKE:
                characters -= end - start - _count_continuations(data, start, end)
        count = counts[document]
        count[TOKENS] = stop - first
        count[WORDS] = words
        count[WORD_CHARACTERS] = characters - _count_continuations_in_words(data, starts, ends, first, stop)
        count[ALPHA_WORDS] = alpha_words
        count[STOP_WORDS] = popcount(found)
    return counts


def _plain_words(table: CharacterTable) -> tuple[np.ndarray, np.ndarray]:
    """Return uint64[256] and int64[256], by a word's first byte: up to how many bytes it decides, and what it adds."""
    bits = table.pages[:0x80].astype(np.int64)
    limits, additions = np.zeros(256, np.uint64), np.zeros(256, np.int64)
    limits[:0x80] = np.where(bits & ALPHABETIC, LONGEST_WORD, 1)
    additions[:0x80] = _addition.py_func(bits)
    return fixed(limits, np.uint64), fixed(additions, np.int64)


def count_words(words: Spans, table: CharacterTable, stop_words: ShortWords) -> dict[str, np.ndarray]:
    """Return the `WORD_COUNTS` of each document; int64[n] each.

    Args:
        words: The words (tokens) of the documents.
        table: The bits ALPHABETIC and WORDLIKE of each character; an alphabetic one is wordlike.
        stop_words: 32 at most; none is an ideograph. Those that occur are counted, once each.
    """
    arrays = words.starts, words.ends, words.offsets, *_plain_words(table), table.index, table.pages
    known = stop_words.slots, stop_words.multiplier, stop_words.shift
    aside = np.empty(words.counts().max(initial=0), np.int64)
    counts = _count_words(padded(words.data), *arrays, *known, aside)
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
def _count_line(data, start, end, bullets, count):  # type: ignore[no-untyped-def]
    """Add the line `data[start:end]`, which has no white space at its ends, to the LINE_COUNTS `count`."""
    count[LINES] += 1
    count[BLANK_LINES] += start == end
    count[BULLET_LINES] += _is_bullet(data, start, end, bullets)
    count[ELLIPSIS_LINES] += _ends_with_ellipsis(data, start, end)


@kernel
def _count_lines(data, offsets, starts, ends, line_offsets, bullets):  # type: ignore[no-untyped-def]
    """Return int64[n, 4], the LINE_COUNTS of stripped lines."""
    counts = np.zeros((offsets.size - 1, len(LINE_COUNTS)), np.int64)
    for document in range(offsets.size - 1):
        for line in range(line_offsets[document], line_offsets[document + 1]):
            _count_line(data, starts[line], ends[line], bullets, counts[document])
    return counts


@kernel
def _count_split_lines(data, offsets, index, pages, bullets):  # type: ignore[no-untyped-def]
    """Return int64[n, 4], the LINE_COUNTS of the lines of `str.splitlines()`; data: padded."""
    counts = np.zeros((offsets.size - 1, len(LINE_COUNTS)), np.int64)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            end, after = find_break(data, position, stop)
            start, end = strip_span(data, position, end, index, pages)
            _count_line(data, start, end, bullets, counts[document])
            position = after
    return counts


def count_lines(texts: Texts, bullets: str, *, all_breaks: bool) -> dict[str, np.ndarray]:
    r"""Return the `LINE_COUNTS` of each document; int64[n] each.

    Args:
        texts: n documents.
        bullets: The characters that give a line a bullet where they come first.
        all_breaks: Whether lines are those of `str.splitlines()`, rather than of `split("\n")`.
    """
    codes = fixed([ord(bullet) for bullet in bullets], np.int64)
    if all_breaks:
        table = properties()
        counts = _count_split_lines(padded(texts.data), texts.offsets, table.index, table.pages, codes)
    else:
        lines = texts.lines().stripped()
        counts = _count_lines(texts.data, texts.offsets, lines.starts, lines.ends, lines.offsets, codes)
    return dict(zip(LINE_COUNTS, counts.T, strict=True))
