"""The tokens of one word, by the steps of `corpuskit.kernels.tokens`."""

import numpy as np

from corpuskit.kernels.compiling import inlined
from corpuskit.kernels.short_words import find_short, load_bytes
from corpuskit.kernels.strip import ASCII_SPACE
from corpuskit.kernels.utf8 import decode, lookup

LETTER, UPPER, DIGIT, OPENING, CLOSING, ALONE, MARK, HYPHEN = 1, 2, 4, 8, 16, 32, 64, 128
"""Bits of a character: those of the definition; MARK joins what is alone."""

WORD = LETTER | DIGIT
SPACE_BITS = ALONE | UPPER
"""White space: it is alone, and so lies between pieces, but no marks join it."""

DOT, COMMA, APOSTROPHE, HYPHEN_MINUS, CARET, PLUS, ASTERISK = (ord(mark) for mark in ".,'-^+*")
COLON, LESS, EQUALS, GREATER, SLASH, TILDE = (ord(mark) for mark in ":<=>/~")
LOWER_N, LOWER_T, LOWER_S, LOWER_M, LOWER_D, LOWER_L, LOWER_E, LOWER_V, LOWER_R = (
    ord(letter) for letter in "ntsmdlevr"
)

CANNOT = np.uint64(int.from_bytes(b"cannot", "little"))
CASE = np.uint64(0x20)
FIRST_IDEOGRAPHS, LAST_IDEOGRAPHS = 0xE4, 0xE9
"""With these begin U+4000 to U+9FFF, which are all alone."""
ONE = np.uint64(1)


@inlined
def _bits(data, position, end, numbers, pages):  # type: ignore[no-untyped-def]
    """Return (bits of the character at `position`, the byte after it); no bits at `end`."""
    if position >= end:
        return np.int64(0), position
    code, length = decode(data, position, end)
    return lookup(numbers, pages, code), position + length


@inlined
def _before(data, start, end):  # type: ignore[no-untyped-def]
    """Return where the last character of `data[start:end]` begins, which is not empty."""
    position = end - 1
    while position > start and (data[position] & 0xC0) == 0x80:
        position -= 1
    return position


@inlined
def _dots_end(data, position, end):  # type: ignore[no-untyped-def]
    """Return the byte after the full stops from `position` on."""
    while position < end and data[position] == DOT:
        position += 1
    return position


@inlined
def _hyphens_end(data, position, stop, end):  # type: ignore[no-untyped-def]
    """Return the byte after the hyphen `data[position:stop]` and up to two more of the same."""
    length = stop - position
    for _ in range(2):
        for place in range(stop, stop + length):
            if place >= end or data[place] != data[place - length]:
                return stop
        stop += length
    return stop


@inlined
def _apostrophe_end(data, position, end):  # type: ignore[no-untyped-def]
    """Return the byte after the apostrophe at `position`; `position` if there is none."""
    if position < end and data[position] == APOSTROPHE:
        return position + 1
    if position + 3 <= end and data[position] == 0xE2 and data[position + 1] == 0x80 and data[position + 2] == 0x99:
        return position + 3
    return position


@inlined
def set_cut(cuts, position):  # type: ignore[no-untyped-def]
    """Set the bit of a place where a token begins."""
    cuts[position >> 6] |= ONE << np.uint64(position & 63)


@inlined
def is_cannot(data, start, end):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` is `cannot` or `Cannot`."""
    return end - start == 6 and (load_bytes(data, start, 6) | CASE) == CANNOT


@inlined
def _full_stop_closes(data, start, position, numbers, pages):  # type: ignore[no-untyped-def]
    """Whether the single full stop at `position` comes off the end of the piece that begins at `start`."""
    if position == start:
        return False
    last = _before(data, start, position)
    bits, _ = _bits(data, last, position, numbers, pages)
    if bits & (DIGIT | OPENING | CLOSING):
        return True
    if not bits & UPPER:
        return bits & LETTER != 0 and last > start
    if last == start:
        return False
    bits, _ = _bits(data, _before(data, start, last), last, numbers, pages)
    return bits & UPPER != 0


@inlined
def _strip_end(data, start, end, numbers, pages, slots, multiplier, shift):  # type: ignore[no-untyped-def]
    """Return (end of what is left of `data[start:end]` without what comes off its end, whether that is a whole)."""
    while end > start:
        last = _before(data, start, end)
        if data[last] == DOT:
            while last > start and data[last - 1] == DOT:
                last -= 1
            if end - last == 1:
                if find_short(load_bytes(data, start, end - start), end - start, slots, multiplier, shift):
                    return end, True
                if not _full_stop_closes(data, start, last, numbers, pages):
                    break
            end = last
            continue
        bits, _ = _bits(data, last, end, numbers, pages)
        if bits & CLOSING:
            end = last
        elif bits & OPENING and last > start:
            before, _ = _bits(data, _before(data, start, last), last, numbers, pages)
            if not before & DIGIT:
                break
            end = last
        else:
            break
    return end, False


@inlined
def _cuts_around(data, position, stop, end, before, numbers, pages):  # type: ignore[no-untyped-def]
    """Whether cuts lie around the mark `data[position:stop]`, which is no full stop; before: bits of what precedes."""
    mark = data[position]
    bits, _ = _bits(data, position, stop, numbers, pages)
    after, _ = _bits(data, stop, end, numbers, pages)
    if mark == COMMA:
        return before & LETTER != 0 and after & LETTER != 0
    if before & DIGIT and after & DIGIT and stop - position == 1:
        return mark in (PLUS, HYPHEN_MINUS, ASTERISK, CARET)
    if not (before & WORD and after & LETTER):
        return False
    return bits & HYPHEN != 0 or mark in (COLON, SLASH, LESS, EQUALS, GREATER)


@inlined
def contraction_start(data, apostrophe, stop, end, numbers, pages):  # type: ignore[no-untyped-def]
    """Return where the contraction of the apostrophe `data[apostrophe:stop]` is cut off, -1 if it is none.

    A letter or digit precedes the apostrophe.
    """
    none = np.int64(-1)
    if stop >= end:
        return none
    first = data[stop]
    after, _ = _bits(data, stop + 1, end, numbers, pages)
    if not after & WORD:
        if first == LOWER_T and data[apostrophe - 1] == LOWER_N:
            return apostrophe - 1
        if first in (LOWER_M, LOWER_D) or first | 32 == LOWER_S:
            return apostrophe
        return none
    second = data[stop + 1]
    after, _ = _bits(data, stop + 2, end, numbers, pages)
    if after & WORD:
        return none
    if ((first in (LOWER_V, LOWER_R)) and second == LOWER_E) or (first == LOWER_L and second == LOWER_L):
        return apostrophe
    return none


@inlined
def _is_address(data, start, end):  # type: ignore[no-untyped-def]
    for position in range(start, end - 2):
        if data[position] == COLON and data[position + 1] == SLASH and data[position + 2] == SLASH:
            return True
    return False


@inlined
def _cut_inside(data, start, end, numbers, pages, cuts):  # type: ignore[no-untyped-def]
    """Cut what is left between the ends of a piece."""
    if is_cannot(data, start, end):
        set_cut(cuts, start + 3)
        return
    if _is_address(data, start, end):
        return
    before = np.int64(0)
    position = start
    while position < end:
        bits, stop = _bits(data, position, end, numbers, pages)
        if bits & WORD:
            before = bits
            position = stop
            continue
        is_cut = False
        after_apostrophe = _apostrophe_end(data, position, end)
        if data[position] == DOT:
            stop = _dots_end(data, position, end)
            after, _ = _bits(data, stop, end, numbers, pages)
            is_cut = stop - position > 1 or (before & (LETTER | UPPER) == LETTER and after & UPPER != 0)
        elif after_apostrophe > position and before & WORD:
            place = contraction_start(data, position, after_apostrophe, end, numbers, pages)
            if place >= 0:
                set_cut(cuts, place)
        else:
            if bits & HYPHEN:
                stop = _hyphens_end(data, position, stop, end)
            is_cut = _cuts_around(data, position, stop, end, before, numbers, pages)
        if is_cut:
            set_cut(cuts, position)
            set_cut(cuts, stop)
        before = bits
        position = stop


@inlined
def _part_piece(  # type: ignore[no-untyped-def]
    data, start, end, numbers, pages, slots, multiplier, shift, cuts
):
    """Part the piece `data[start:end]` into tokens."""
    while start < end:
        if data[start] == DOT:
            stop = _dots_end(data, start, end)
            if stop - start == 1:
                break
        else:
            bits, stop = _bits(data, start, end, numbers, pages)
            if not bits & OPENING:
                break
        start = stop
        set_cut(cuts, start)
    stop, whole = _strip_end(data, start, end, numbers, pages, slots, multiplier, shift)
    if not whole and stop > start:
        _cut_inside(data, start, stop, numbers, pages, cuts)
    while stop < end:
        set_cut(cuts, stop)
        if data[stop] == DOT:
            stop = _dots_end(data, stop, end)
        else:
            _, stop = _bits(data, stop, end, numbers, pages)


@inlined
def _is_ideograph(data, position, end):  # type: ignore[no-untyped-def]
    """Whether three bytes at `position` are one of the ideographs."""
    return position + 3 <= end and FIRST_IDEOGRAPHS <= data[position] <= LAST_IDEOGRAPHS


@inlined
def part_start(data, begin, position):  # type: ignore[no-untyped-def]
    """Return where to begin so that what lies at `position` is parted: after white space of ASCII, or an ideograph."""
    while position > begin and not ASCII_SPACE[data[position - 1]]:
        if position - 3 >= begin and _is_ideograph(data, position - 3, position):
            return position - 3
        position -= 1
    return position


@inlined
def part_words(  # type: ignore[no-untyped-def]
    data, start, end, numbers, pages, slots, multiplier, shift, cuts
):
    """Part `data[start:end]` into tokens, up to white space of ASCII or to an ideograph that is not at `start`.

    Return where that is, or `end`.
    """
    position = start
    bits, after = _bits(data, position, end, numbers, pages)
    while position < end and not (bits == SPACE_BITS and data[position] < 0x80):
        if position > start and _is_ideograph(data, position, end):
            break
        set_cut(cuts, position)
        if bits & ALONE:
            joined = bits != SPACE_BITS
            position = after
            bits, after = _bits(data, position, end, numbers, pages)
            while joined and bits & MARK:
                position = after
                bits, after = _bits(data, position, end, numbers, pages)
        else:
            stop = after
            bits, after = _bits(data, stop, end, numbers, pages)
            while stop < end and not bits & ALONE:
                stop = after
                bits, after = _bits(data, stop, end, numbers, pages)
            _part_piece(data, position, stop, numbers, pages, slots, multiplier, shift, cuts)
            position = stop
    return position
