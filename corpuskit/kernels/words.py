"""The word scan: where words begin and end.

`unicode` words are maximal runs of letters, marks and digits (categories L*, M*, Nd), with one exception: a letter of
a script written without spaces between words (`utf8.ALONE_RANGES`: CJK ideographs, kana, Thai, Lao, Khmer, Myanmar) is
a word together with the marks that follow it, and with nothing else. All other characters, zero-width joiners and
apostrophes included, lie between words.

`whitespace` words are those of `str.split()`: maximal runs of characters that are not `str.isspace()`.

`tokens` are parts of whitespace words, words and punctuation marks, as `corpuskit.kernels.tokens` defines them.

The scan goes through a text 64 bytes at a time. Most characters get their class from masks of their first bytes alone;
the others are decoded and looked up.
"""

import functools
from typing import Literal, get_args

import numpy as np

from corpuskit.kernels.blocks import BLOCK, append_places, block, equal_mask, padded, popcount, range_mask, span_bits
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.utf8 import ALONE, DIGIT, LETTER, MARK, SPACE, CharacterTable, decode, lookup, properties

WordKind = Literal["unicode", "whitespace", "tokens"]
WORD_KINDS: tuple[WordKind, ...] = get_args(WordKind)

GAP, RUN, JOIN, SINGLE = 0, 1, 2, 3
"""Classes of characters: between words; in a run; joins whatever word it follows; begins a word by itself."""

NONE, ONE = np.uint64(0), np.uint64(1)
TOP = np.uint64(1 << 63)
NOT_PARTED = fixed(np.empty(0), np.uint64)
MARGIN = 1 << 16
"""Room beyond the number of words that is expected."""


class Words(Spans):
    """The words of a batch of documents."""


@functools.cache
def character_classes(kind: Literal["unicode", "whitespace"]) -> CharacterTable:
    """Return the table that gives each code point its class GAP, RUN, JOIN or SINGLE."""
    flags = np.arange(256, dtype=np.uint8)
    classes = np.full(256, GAP, np.uint8)
    if kind == "whitespace":
        classes[(flags & SPACE) == 0] = RUN
    else:
        classes[(flags & (LETTER | DIGIT)) != 0] = RUN
        classes[(flags & MARK) != 0] = JOIN
        classes[(flags & ALONE) != 0] = SINGLE
    return properties().map(classes)


@inlined
def _followed(data, index, byte):  # type: ignore[no-untyped-def]
    """Return the mask of the bytes that `byte` follows; the last of the block, whose next is not seen, is in it."""
    return (equal_mask(data, index, byte) >> ONE) | TOP


@inlined
def _letters_digits(data, index):  # type: ignore[no-untyped-def]
    letters = range_mask(data, index, 0x41, 0x5A) | range_mask(data, index, 0x61, 0x7A)
    return letters | range_mask(data, index, 0x30, 0x39)


@inlined
def _spaces(data, index):  # type: ignore[no-untyped-def]
    return range_mask(data, index, 0x09, 0x0D) | range_mask(data, index, 0x1C, 0x20)


@kernel
def _count_starts(data, start, stop, with_marks):  # type: ignore[no-untyped-def]
    """Return how many words a text has at most, or nearly: new memory costs more than the scan.

    That is the number of runs of letters and digits of ASCII and of characters beyond it, and `with_marks` of marks of
    ASCII; data: padded.
    """
    count = np.int64(0)
    position, last = start, NONE
    while position < stop:
        index, shift, valid = block(data.size, position, stop, 0)
        letters = (_letters_digits(data, index) >> shift) & valid
        single = range_mask(data, index, 0xC2, 0xF4)
        if with_marks:
            single |= range_mask(data, index, 0x00, 0x7F) & ~_spaces(data, index) & ~_letters_digits(data, index)
        runs = letters & ~((letters << ONE) | last)
        count += popcount(runs) + popcount((single >> shift) & valid)
        last = letters >> np.uint64(63)
        position += BLOCK
    return count


@inlined
def _spread(leads, length):  # type: ignore[no-untyped-def]
    """Return (mask of the bytes of characters of `length`, 2 or 3, that begin at `leads`; that of the next block)."""
    bits = leads | (leads << ONE)
    spill = leads >> np.uint64(63)
    if length == 3:
        bits |= leads << np.uint64(2)
        spill |= leads >> np.uint64(62)
    return bits, spill


@inlined
def _bits_from(flags, position):  # type: ignore[no-untyped-def]
    """Return the 64 bits of uint64 `flags` from bit `position` on."""
    number, shift = position >> 6, np.uint64(position & 63)
    return (flags[number] >> shift) | ((flags[number + 1] << ONE) << (np.uint64(63) - shift))


@inlined
def _wide_spaces(data, index, shift, valid, position, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return (mask of the bytes of white space beyond ASCII, what of it lies in the next block).

    All such characters begin with C2, E1, E2 or, before 80, E3.
    """
    leads = equal_mask(data, index, 0xC2) | range_mask(data, index, 0xE1, 0xE2)
    leads |= equal_mask(data, index, 0xE3) & _followed(data, index, 0x80)
    leads = (leads >> shift) & valid
    bits, spill = NONE, NONE
    while leads:
        place = trailing_zeros(leads)
        leads &= leads - ONE
        code, length = decode(data, position + place, stop)
        if lookup(numbers, pages, code) == GAP:
            here, beyond = span_bits(place, length)
            bits, spill = bits | here, spill | beyond
    return bits, spill


@inlined
def _wide_letters(data, index, shift, valid, position, stop, numbers, pages, cuts):  # type: ignore[no-untyped-def]
    """Return (bytes of word characters beyond ASCII, where they part words, both for this block and for the next).

    cuts: where words are parted already. What is told from first bytes: letters of U+0100 to U+027F, U+0400 to U+047F
    and U+B000 to U+CFFF; ideographs, U+4000 to U+9FFF but for the hexagrams, which begin with E4 B7; and that no word
    character begins with E2 80.
    """
    hexagrams = equal_mask(data, index, 0xE4) & _followed(data, index, 0xB7)
    alone = range_mask(data, index, 0xE4, 0xE9) & ~hexagrams
    two = range_mask(data, index, 0xC4, 0xC9) | range_mask(data, index, 0xD0, 0xD1)
    three = alone | range_mask(data, index, 0xEB, 0xEC)
    others = range_mask(data, index, 0xC2, 0xF4) & ~(two | three)
    others &= ~(equal_mask(data, index, 0xE2) & (equal_mask(data, index, 0x80) >> ONE))
    alone, others = (alone >> shift) & valid, (others >> shift) & valid
    bits, spill = _spread((three >> shift) & valid, 3)
    bits_of_two, spill_of_two = _spread((two >> shift) & valid, 2)
    bits, spill = bits | bits_of_two, spill | spill_of_two
    cuts |= alone | (alone << np.uint64(3))
    cut_spill = alone >> np.uint64(61)
    while others:
        place = trailing_zeros(others)
        others &= others - ONE
        code, length = decode(data, position + place, stop)
        character = lookup(numbers, pages, code)
        if character == GAP:
            continue
        here, beyond = span_bits(place, length)
        bits, spill = bits | here, spill | beyond
        begins = ONE << np.uint64(place)
        joins = character == JOIN and (cuts & begins) != NONE
        if character == SINGLE:
            cuts |= begins
        elif joins:
            cuts ^= begins
        if character == SINGLE or joins:
            here, beyond = span_bits(place + length, 1)
            cuts, cut_spill = cuts | here, cut_spill | beyond
    return bits, spill, cuts, cut_spill


@kernel
def _scan_words(data, offsets, numbers, pages, whitespace, parted, starts, ends, word_offsets):  # type: ignore[no-untyped-def]
    """Fill starts int64[room], ends int64[room], word_offsets int64[n + 1]; return the number of words, -1: no room.

    data: padded. parted: uint64, a bit for each byte of data, set where a whitespace word is cut, or empty. A word
    begins where a byte in a word follows one that is in none, and at each cut inside words.
    """
    opened = closed = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        last = spill = cut_spill = NONE
        while position < stop:
            index, shift, valid = block(data.size, position, stop, 0)
            wide = (range_mask(data, index, 0x80, 0xFF) >> shift) & valid
            cuts, added = cut_spill, spill
            spill = cut_spill = NONE
            if whitespace:
                if wide:
                    bits, spill = _wide_spaces(data, index, shift, valid, position, stop, numbers, pages)
                    added |= bits
                inside = ~((_spaces(data, index) >> shift) | added) & valid
                if parted.size:
                    cuts = _bits_from(parted, position)
            else:
                if wide:
                    bits, spill, cuts, cut_spill = _wide_letters(
                        data, index, shift, valid, position, stop, numbers, pages, cuts
                    )
                    added |= bits
                inside = ((_letters_digits(data, index) >> shift) | added) & valid
            if opened + BLOCK > starts.size:
                return np.int64(-1)
            before = (inside << ONE) | last
            opened = append_places(inside & (~before | cuts), position, starts, opened)
            closed = append_places(before & (~inside | cuts), position, ends, closed)
            last = inside >> np.uint64(63)
            position += BLOCK
        if last:
            ends[closed] = stop
            closed += 1
        word_offsets[document + 1] = opened
    return opened


def scan_words(
    data: np.ndarray,
    offsets: np.ndarray,
    kind: Literal["unicode", "whitespace"] = "unicode",
    parted: np.ndarray = NOT_PARTED,
) -> Words:
    """Find the words of each document.

    Args:
        data: uint8[n_bytes], UTF-8; read-only and contiguous, as `Texts` holds it.
        offsets: int64[n + 1], document i is `data[offsets[i]:offsets[i + 1]]`; likewise.
        kind: `unicode` or `whitespace`, as the module's docstring defines them.
        parted: uint64[n_bytes // 64 + 2]: bit i tells whether a whitespace word is cut before byte i; or empty.
    """
    table, bytes_ = character_classes(kind), padded(data)
    word_offsets = np.zeros(offsets.size, np.int64)
    arguments = bytes_, offsets, table.index, table.pages, kind == "whitespace", parted
    likely = int(_count_starts(bytes_, offsets[0], offsets[-1], parted.size > 0)) + offsets.size + MARGIN
    for room in (likely, data.size + MARGIN):  # bytes that are no UTF-8 may all begin words
        starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
        n_words = _scan_words(*arguments, starts, ends, word_offsets)
        if n_words >= 0:
            break
    return Words(
        data, fixed(starts[:n_words], np.int64), fixed(ends[:n_words], np.int64), fixed(word_offsets, np.int64)
    )
