r"""The words of GPT-4o (o200k), by an automaton over characters.

Its pattern is `PATTERNS["o200k"]`. Where GPT-4's words are runs of letters, these are capitals and then small letters,
each may be none; letters without case and marks (`\p{M}`) count as both, so a word may go on behind them with either.
Any one character before it that is no letter, number or line break belongs to it, and a contraction of either case
after it. A run of others takes line breaks and slashes after it. Numbers and white space are as with GPT-4.
Source: https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py
"""

import functools

import numpy as np

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import CharacterTable, decode, lookup, two_levels
from corpuskit.tokenization.pretokens.categories import (
    LETTER,
    LOWER,
    MARK,
    MODIFIER,
    NUMBER,
    SPACE,
    UPPER,
    categories,
)
from corpuskit.tokenization.pretokens.tiling import tiled

CAPITAL, SMALL, EITHER, IS_MARK, IS_NUMBER, IS_SPACE, IS_BREAK = 1, 2, 4, 8, 16, 32, 64
"""Bits of a character: marks are EITHER too, and line breaks white space; no bit: one of the others."""
IN_LETTERS = CAPITAL | SMALL | EITHER
BLANK, APOSTROPHE, SLASH, LINE_FEED, RETURN = 0x20, 0x27, 0x2F, 0x0A, 0x0D
CASE_BIT = 0x20
LONG_S = 0x17F
"""`ſ`, which is an `s` without regard to case."""
S, T, M, D, R, V, L, E = (ord(letter) for letter in "stmdrvle")
DIGITS = 3
"""Most numbers of a word."""


@functools.cache
def _classes() -> CharacterTable:
    """Return the table that gives each code point its bits."""
    bits = categories()
    flat = np.zeros(bits.size, np.uint8)
    flat[bits == UPPER] = CAPITAL
    flat[bits == LOWER] = SMALL
    flat[(bits & (MODIFIER | LETTER)) != 0] = EITHER
    flat[bits == MARK] = EITHER | IS_MARK
    flat[bits == NUMBER] = IS_NUMBER
    flat[bits == SPACE] = IS_SPACE
    flat[[LINE_FEED, RETURN]] = IS_SPACE | IS_BREAK
    return two_levels(flat)


@inlined
def _bits(data, position, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return (bits of the character at `position`, where the next begins); at `stop` those of a line break."""
    if position >= stop:
        return np.int64(IS_SPACE | IS_BREAK), stop
    if data[position] < 0x80:
        return np.int64(pages[data[position]]), position + 1
    code, length = decode(data, position, stop)
    return lookup(numbers, pages, code), position + length


@inlined
def _run_end(data, position, stop, numbers, pages, wanted):  # type: ignore[no-untyped-def]
    """Return where the characters that have one of the bits `wanted` end."""
    while position < stop:
        bits, after = _bits(data, position, stop, numbers, pages)
        if not bits & wanted:
            break
        position = after
    return position


@inlined
def _letters_end(data, start, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return (where capitals and small letters from `start` on end, or `start`; where the capitals end).

    They end with a small letter, or one of either case: there must be one.
    """
    position, last = start, start
    bits, after = _bits(data, position, stop, numbers, pages)
    while bits & (CAPITAL | EITHER):
        position = after
        if bits & EITHER:
            last = position
        bits, after = _bits(data, position, stop, numbers, pages)
    if bits & SMALL:
        return _run_end(data, after, stop, numbers, pages, SMALL | EITHER), position
    return last, position


@inlined
def _contraction_end(data, start, stop):  # type: ignore[no-untyped-def]
    """Return where a contraction that begins at `start` ends, or `start`."""
    if start + 1 >= stop or data[start] != APOSTROPHE:
        return start
    code, length = decode(data, start + 1, stop)
    letter = code | CASE_BIT
    if letter in (S, T, M, D) or code == LONG_S:
        return start + 1 + length
    if start + 2 < stop:
        second = data[start + 2] | CASE_BIT
        if (letter in (R, V) and second == E) or (letter == L and second == L):
            return start + 3
    return start


@inlined
def _spaces_end(data, start, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return where the word of white space that begins at `start` ends."""
    position = last = start
    after_break = start
    while position < stop:
        bits, after = _bits(data, position, stop, numbers, pages)
        if not bits & IS_SPACE:
            break
        last, position = position, after
        if bits & IS_BREAK:
            after_break = after
    if after_break > start:
        return after_break
    return position if position >= stop or last == start else last


@inlined
def _others_end(data, position, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return where characters that are no letters, numbers or white space end, with the line breaks and slashes."""
    while position < stop:
        bits, after = _bits(data, position, stop, numbers, pages)
        if bits and not bits & IS_MARK:
            break
        position = after
    while position < stop and data[position] in (LINE_FEED, RETURN, SLASH):
        position += 1
    return position


@inlined
def _word_end(data, start, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return where the word that begins at `start` ends."""
    bits, after = _bits(data, start, stop, numbers, pages)
    letters = start
    if not bits & (IS_BREAK | IS_NUMBER) and (bits & IS_MARK or not bits & IN_LETTERS):
        next_bits, _ = _bits(data, after, stop, numbers, pages)
        if next_bits & IN_LETTERS:
            letters = after
    if letters > start or bits & IN_LETTERS:
        end, capitals_end = _letters_end(data, letters, stop, numbers, pages)
        if end == letters:
            end = after if bits & IS_MARK else capitals_end  # a mark is a word rather than the first of capitals
        return _contraction_end(data, end, stop)
    if bits & IS_NUMBER:
        end = after
        for _ in range(DIGITS - 1):
            bits, after = _bits(data, end, stop, numbers, pages)
            if bits & IS_NUMBER:
                end = after
            else:
                break
        return end
    if data[start] == BLANK and after < stop:
        next_bits, _ = _bits(data, after, stop, numbers, pages)
        if next_bits == 0:
            return _others_end(data, after, stop, numbers, pages)
    if bits & IS_SPACE:
        return _spaces_end(data, start, stop, numbers, pages)
    return _others_end(data, start, stop, numbers, pages)


@kernel
def _scan(data, offsets, numbers, pages, bounds, word_offsets):  # type: ignore[no-untyped-def]
    """Fill bounds int64[room], where words begin, and word_offsets int64[n + 1]; return their number, -1: no room."""
    count = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            if count + 1 >= bounds.size:
                return np.int64(-1)
            bounds[count] = position
            count += 1
            position = _word_end(data, position, stop, numbers, pages)
        word_offsets[document + 1] = count
    bounds[count] = offsets[-1]
    return count


def scan_o200k(texts: Texts) -> Spans:
    """Return GPT-4o's words: they tile each document."""
    table = _classes()
    return tiled(texts, lambda bounds, ends: _scan(texts.data, texts.offsets, table.index, table.pages, bounds, ends))
