r"""The words of GPT-2 and of GPT-4 (cl100k), as kernels.

GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. A word is a run of letters, of
numbers, or of other characters that are no white space, with the U+0020 before it. An apostrophe that begins a run of
others takes `s`, `t`, `m`, `d`, `re`, `ve` or `ll` (lower case only) after it, and they are a word. White space before
a word is a word without its last character, and that character one by itself unless it is a U+0020; white space that
ends a text is one word. Nothing is left out.
Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py

GPT-4: `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`.
Contractions are of either case (`ſ`, U+017F, is an `s`); a run of letters takes any one character before it that is no
letter, number or line break; numbers are cut after each third character; a run of others takes the line breaks after
it; white space is cut after its last line break. Llama 3's pattern, which ends with `\s*[\r\n]+`, finds the same words.
Source: https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py, whose newest pattern differs in one
thing: it does not cut the white space that ends a text.

The scans go through a text in windows of 64 bytes, of which all but the last four are decided. Masks of bytes give the
classes of ASCII, of most letters of two bytes, of ideographs and of Hangul; other characters are looked up.
"""

import functools
from collections.abc import Callable

import numpy as np

from corpuskit.kernels.blocks import (
    BLOCK,
    append_places,
    block,
    caseless_mask,
    equal_mask,
    padded,
    range_mask,
)
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import CharacterTable, decode, lookup, two_levels
from corpuskit.tokenization.pretokens.categories import LETTERS, NUMBER, SPACE, categories
from corpuskit.tokenization.pretokens.tiling import tiled

IS_OTHER, IS_LETTER, IS_NUMBER, IS_SPACE = 0, 1, 2, 3
"""Classes of characters, as the scan's table gives them."""

SEEN = 4
"""Bytes at the end of a window that are seen and not decided: as long as a character or a contraction may be."""
DECIDED = BLOCK - SEEN

NONE, ONE, TWO, THREE, FOUR = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
LAST = np.uint64(DECIDED - 1)
"""Place of the last byte that is decided."""
DECIDED_BITS = np.uint64((1 << DECIDED) - 1)


@functools.cache
def _classes() -> CharacterTable:
    """Return the table that gives each code point its class."""
    bits = categories()
    flat = np.full(bits.size, IS_OTHER, np.uint8)
    flat[(bits & LETTERS) != 0] = IS_LETTER
    flat[bits == NUMBER] = IS_NUMBER
    flat[bits == SPACE] = IS_SPACE
    return two_levels(flat)


@inlined
def _ascii_letters(data, index):  # type: ignore[no-untyped-def]
    return range_mask(data, index, 0x41, 0x5A) | range_mask(data, index, 0x61, 0x7A)


@inlined
def _wide(data, index, shift, valid, position, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return the masks of the bytes of letters, numbers and white space beyond ASCII that begin in the window.

    What is told from first bytes: letters of U+0100 to U+027F, U+0400 to U+047F and U+B000 to U+CFFF; of U+00C0 to
    U+00FF all but `×` and `÷`, which end with 97 and B7; ideographs, U+4000 to U+9FFF but for the hexagrams, which
    begin with E4 B7.
    """
    seconds = equal_mask(data, index, 0x97) | equal_mask(data, index, 0xB7)
    signs = ((seconds >> shift) & valid) >> ONE
    two = range_mask(data, index, 0xC3, 0xC9) | range_mask(data, index, 0xD0, 0xD1)
    three = range_mask(data, index, 0xE4, 0xE9) | range_mask(data, index, 0xEB, 0xEC)
    leads = (range_mask(data, index, 0xC2, 0xF4) >> shift) & valid
    unsure = (equal_mask(data, index, 0xC3) | equal_mask(data, index, 0xE4)) >> shift
    unsure &= signs | (ONE << np.uint64(63))  # what follows the last byte is not seen
    two = (two >> shift) & valid & ~unsure
    three = (three >> shift) & valid & ~unsure
    letters = two | (two << ONE) | three | (three << ONE) | (three << TWO)
    numerals = spaces = NONE
    others = leads & ~(two | three)
    while others:
        place = trailing_zeros(others)
        others &= others - ONE
        code, length = decode(data, position + place, stop)
        character = lookup(numbers, pages, code)
        bits = ((ONE << np.uint64(length)) - ONE) << np.uint64(place)
        if character == IS_LETTER:
            letters |= bits
        elif character == IS_NUMBER:
            numerals |= bits
        elif character == IS_SPACE:
            spaces |= bits
    return letters, numerals, spaces


@inlined
def _last_wide_spaces(data, index, shift, spaces, blanked):  # type: ignore[no-untyped-def]
    """Return the mask of the first bytes of white space beyond ASCII that is the last of its run.

    spaces: the bytes of white space beyond ASCII; blanked: all white space, and what lies behind the text.
    """
    two = spaces & (equal_mask(data, index, 0xC2) >> shift) & ~(blanked >> TWO)
    return two | (spaces & (range_mask(data, index, 0xE1, 0xE3) >> shift) & ~(blanked >> THREE))


@inlined
def _contractions(data, index, shift):  # type: ignore[no-untyped-def]
    """Return the masks of the bytes that `s`, `t`, `m` or `d`, and that `re`, `ve` or `ll` follow."""
    one = range_mask(data, index, 0x73, 0x74) | equal_mask(data, index, 0x6D) | equal_mask(data, index, 0x64)
    two = (equal_mask(data, index, 0x72) | equal_mask(data, index, 0x76)) & (equal_mask(data, index, 0x65) >> ONE)
    ells = equal_mask(data, index, 0x6C)
    two |= ells & (ells >> ONE)
    return (one >> shift) >> ONE, (two >> shift) >> ONE


@kernel
def _scan_gpt2(data, offsets, numbers, pages, bounds, word_offsets):  # type: ignore[no-untyped-def]
    """Fill bounds int64[room] with where words begin and word_offsets int64[n + 1]; return their number, -1: no room.

    data: padded. What masks say of a window's last byte decided and of those after it is carried to the next window.
    """
    count = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        letters_before = numerals_before = spaces_before = others_before = blanks_before = NONE
        dropped = added = NONE
        while position < stop:
            index, shift, valid = block(data.size, position, stop, 0)
            letters = ((_ascii_letters(data, index) >> shift) & valid) | (letters_before >> ONE)
            numerals = ((range_mask(data, index, 0x30, 0x39) >> shift) & valid) | (numerals_before >> ONE)
            blanks = (equal_mask(data, index, 0x20) >> shift) & valid
            ascii_spaces = blanks | ((range_mask(data, index, 0x09, 0x0D) >> shift) & valid)
            spaces = ascii_spaces | (spaces_before >> ONE)
            last_spaces = NONE
            if (range_mask(data, index, 0x80, 0xFF) >> shift) & valid:
                more_letters, more_numerals, wide_spaces = _wide(
                    data, index, shift, valid, position, stop, numbers, pages
                )
                letters, numerals, spaces = letters | more_letters, numerals | more_numerals, spaces | wide_spaces
                if wide_spaces:
                    last_spaces = _last_wide_spaces(data, index, shift, wide_spaces, spaces | ~valid)
            others = valid & ~(letters | numerals | spaces)
            starts = letters & ~((letters << ONE) | (letters_before & ONE))
            starts |= numerals & ~((numerals << ONE) | (numerals_before & ONE))
            starts |= others & ~((others << ONE) | others_before)
            starts &= ~((blanks << ONE) | blanks_before)
            apostrophes = starts & (equal_mask(data, index, 0x27) >> shift) & DECIDED_BITS
            starts |= spaces & ~((spaces << ONE) | (spaces_before & ONE))
            starts |= last_spaces | (ascii_spaces & ~((spaces | ~valid) >> ONE))
            if apostrophes:
                one, two = _contractions(data, index, shift)
                one, two = one & apostrophes & (valid >> ONE), two & apostrophes & (valid >> TWO)
                dropped |= (one | two) << ONE
                added |= (one << TWO) | (two << THREE)
            if count + BLOCK >= bounds.size:
                return np.int64(-1)
            starts = ((starts & ~dropped) | added) & valid & DECIDED_BITS
            count = append_places(starts, position, bounds, count)
            letters_before, numerals_before, spaces_before = letters >> LAST, numerals >> LAST, spaces >> LAST
            others_before, blanks_before = (others >> LAST) & ONE, (blanks >> LAST) & ONE
            dropped, added = dropped >> np.uint64(DECIDED), added >> np.uint64(DECIDED)
            position += DECIDED
        word_offsets[document + 1] = count
    bounds[count] = offsets[-1]
    return count


@inlined
def _run_from(spaces, bit):  # type: ignore[no-untyped-def]
    """Return (mask of the white space from `bit` on, the first bit after it, or none: it goes on beyond the window)."""
    behind = ~spaces & ~(bit - ONE)
    end = behind & (~behind + ONE)
    return (end - ONE) & ~(bit - ONE), end


@inlined
def _is_complete(end, position, stop):  # type: ignore[no-untyped-def]
    """Whether white space is seen to its end, the bit `end` of a window at `position` or none."""
    return end != NONE or position + BLOCK >= stop


@inlined
def _joined(data, index, shift, wide, alone, letters):  # type: ignore[no-untyped-def]
    """Return the mask of the letters that follow one of the characters `alone`, given by their first bytes."""
    joined = ((alone & ~wide) << ONE) & letters
    if alone & wide:
        joined |= ((alone & (range_mask(data, index, 0xC2, 0xDF) >> shift)) << TWO) & letters
        joined |= ((alone & (range_mask(data, index, 0xE0, 0xEF) >> shift)) << THREE) & letters
        joined |= ((alone & (range_mask(data, index, 0xF0, 0xF4) >> shift)) << FOUR) & letters
    return joined


@inlined
def _caseless_contractions(data, index, shift):  # type: ignore[no-untyped-def]
    """As `_contractions`, of either case; U+017F, of two bytes, is an `s`."""
    one = caseless_mask(data, index, 0x73) | caseless_mask(data, index, 0x74)
    one |= caseless_mask(data, index, 0x6D) | caseless_mask(data, index, 0x64)
    two = (caseless_mask(data, index, 0x72) | caseless_mask(data, index, 0x76)) & (
        caseless_mask(data, index, 0x65) >> ONE
    )
    ells = caseless_mask(data, index, 0x6C)
    two |= ells & (ells >> ONE)
    two |= equal_mask(data, index, 0xC5) & (equal_mask(data, index, 0xBF) >> ONE)
    return (one >> shift) >> ONE, (two >> shift) >> ONE


@inlined
def _thirds(data, index, shift, numerals, starts, digits):  # type: ignore[no-untyped-def]
    """Return (mask of the numbers that follow three others of their word, how many the last word has).

    digits: how many numbers the word has that goes on in this window.
    """
    cuts = NONE
    leads = numerals & ~(range_mask(data, index, 0x80, 0xBF) >> shift) & DECIDED_BITS
    while leads:
        bit = leads & (~leads + ONE)
        leads ^= bit
        if starts & bit:
            digits = np.int64(0)
        elif digits == 3:
            digits = np.int64(0)
            cuts |= bit
        digits += 1
    return cuts, digits


@kernel
def _scan_gpt4(data, offsets, numbers, pages, bounds, word_offsets):  # type: ignore[no-untyped-def]
    """As `_scan_gpt2`.

    Where white space is cut after a line break is not known until its end, which may lie windows behind: the last
    place where it may be is kept in `pending`, or -1.
    """
    count = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        letters_before = numerals_before = spaces_before = others_before = blanks_before = NONE
        breaks_before = taken_before = dropped = added = NONE
        pending, digits = np.int64(-1), np.int64(0)
        while position < stop:
            index, shift, valid = block(data.size, position, stop, 0)
            if count + BLOCK + 1 >= bounds.size:
                return np.int64(-1)
            letters = ((_ascii_letters(data, index) >> shift) & valid) | (letters_before >> ONE)
            numerals = ((range_mask(data, index, 0x30, 0x39) >> shift) & valid) | (numerals_before >> ONE)
            blanks = (equal_mask(data, index, 0x20) >> shift) & valid
            breaks = ((equal_mask(data, index, 0x0A) | equal_mask(data, index, 0x0D)) >> shift) & valid
            ascii_spaces = blanks | ((range_mask(data, index, 0x09, 0x0D) >> shift) & valid)
            spaces = ascii_spaces | (spaces_before >> ONE)
            last_spaces = NONE
            wide = (range_mask(data, index, 0x80, 0xFF) >> shift) & valid
            if wide:
                more_letters, more_numerals, wide_spaces = _wide(
                    data, index, shift, valid, position, stop, numbers, pages
                )
                letters, numerals, spaces = letters | more_letters, numerals | more_numerals, spaces | wide_spaces
                if wide_spaces:
                    last_spaces = _last_wide_spaces(data, index, shift, wide_spaces, spaces | ~valid)
            others = valid & ~(letters | numerals | spaces)
            if pending >= 0:
                run, end = _run_from(spaces, ONE)
                if breaks & run:
                    pending = np.int64(-1)
                elif _is_complete(end, position, stop):
                    bounds[count] = pending
                    count += 1
                    pending = np.int64(-1)
            taken = breaks & ~(breaks + (breaks & ((others << ONE) | others_before | taken_before)))
            free = spaces & ~taken
            free_before = spaces_before & ~taken_before & ONE
            number_starts = numerals & ~((numerals << ONE) | (numerals_before & ONE))
            starts = others & ~((others << ONE) | others_before) & ~((blanks << ONE) | blanks_before)
            alone = starts & DECIDED_BITS
            dropped |= ((spaces & ~breaks) << ONE) | (spaces_before & ~breaks_before & ONE)
            dropped = (dropped | _joined(data, index, shift, wide, alone, letters)) & letters
            apostrophes = alone & (equal_mask(data, index, 0x27) >> shift)
            if apostrophes:
                one, two = _caseless_contractions(data, index, shift)
                one, two = one & apostrophes & (valid >> ONE), two & apostrophes & (valid >> TWO)
                added |= (one << TWO) | (two << THREE)
            starts |= (letters & ~((letters << ONE) | (letters_before & ONE)) & ~dropped) | number_starts
            starts |= free & ~((free << ONE) | free_before)
            starts |= last_spaces | (ascii_spaces & ~breaks & ~((spaces | ~valid) >> ONE))
            cuts = free & ~breaks & (((free & breaks) << ONE) | (free_before & breaks_before)) & DECIDED_BITS
            while cuts:
                bit = cuts & (~cuts + ONE)
                cuts ^= bit
                run, end = _run_from(spaces, bit)
                if not breaks & run:
                    if _is_complete(end, position, stop):
                        starts |= bit
                    else:
                        pending = position + trailing_zeros(bit)
            long = numerals & (numerals >> ONE) & (numerals >> TWO) & (numerals >> THREE)
            if long | (numerals_before & ONE) | (numerals >> LAST):
                cuts, digits = _thirds(data, index, shift, numerals, number_starts, digits)
                starts |= cuts
            starts = (starts | added) & valid & DECIDED_BITS
            count = append_places(starts, position, bounds, count)
            letters_before, numerals_before, spaces_before = letters >> LAST, numerals >> LAST, spaces >> LAST
            others_before, blanks_before = (others >> LAST) & ONE, (blanks >> LAST) & ONE
            breaks_before, taken_before = (breaks >> LAST) & ONE, (taken >> LAST) & ONE
            dropped, added = dropped >> np.uint64(DECIDED), added >> np.uint64(DECIDED)
            position += DECIDED
        if pending >= 0:
            bounds[count] = pending
            count += 1
        word_offsets[document + 1] = count
    bounds[count] = offsets[-1]
    return count


def _tiled(texts: Texts, scan: Callable[..., int]) -> Spans:
    table, data = _classes(), padded(texts.data)
    return tiled(texts, lambda bounds, ends: scan(data, texts.offsets, table.index, table.pages, bounds, ends))


def scan_gpt2(texts: Texts) -> Spans:
    """Return GPT-2's words: they tile each document."""
    return _tiled(texts, _scan_gpt2)


def scan_gpt4(texts: Texts) -> Spans:
    """Return GPT-4's words: they tile each document."""
    return _tiled(texts, _scan_gpt4)
