"""Tokens: words and punctuation marks, much as spaCy's English rules part them.

datatrove counts what spaCy's blank English pipeline gives. These rules are our own and much shorter. In samples without
ideographs 84 % of 1,000 film reviews, 96 % of 992 abstracts, 84 % of 500 web pages and 53 % of 60 pieces of novels, of
15 kB each, have the very same tokens; their numbers differ by 0.10, 0.04, 0.23 and 0.03 % in the mean (spaCy 3.8). What
differs most: emoticons, addresses without `://`, units after numbers, and contractions of single words.

A token is a part of a whitespace word (`str.split()`); nothing is left out. A whitespace word is parted in four steps.

1. Alone. Letters that are words by themselves (`utf8.ALONE_RANGES`), symbols (So), `…`, and the punctuation of U+3000
   to U+303F and of U+FF00 to U+FFEF: each is a token, together with the marks (M*, U+200D) that follow it. The rest
   lies in pieces between them.
2. Ends. From the front of a piece come off, one by one, opening marks, and two full stops or more at once. Then from
   its end: closing marks; two full stops or more at once; after a digit, opening marks; a full stop after a mark, a
   digit, two upper-case letters, or a letter that is neither upper-case nor the first character left. They come off
   until an abbreviation is left (`ABBREVIATIONS`), which is a token.
3. Inside. What is left is cut, unless `://` is in it, before and after
   - two full stops or more;
   - a full stop between a letter that is not upper-case and one that is;
   - a comma between letters;
   - one to three `-`, `~`, `–` or `—`, all the same, between a letter or digit and a letter;
   - `:`, `<`, `>`, `=` or `/` between a letter or digit and a letter;
   - `+`, `-`, `*` or `^` between digits.
4. Contractions. It is also cut before the last letter before an apostrophe, if the two and what follows are `n't`, and
   else before an apostrophe and `s`, `S`, `m`, `d`, `ve`, `re` or `ll`, where a letter or digit precedes and none
   follows; and `cannot` or `Cannot`, if all that is left is that, before `not`.

Letters are L* and M*, digits Nd, upper-case Lu and Lt, apostrophes `'` and `’`. Marks beyond ASCII (P*, `´`) are both
opening and closing, currency signs (Sc) opening. Of ASCII, ``!"#&'()*,:;<>?[]_`{}`` are both, `$`, `%` and `=` opening.
"""

import functools
import unicodedata

import numpy as np

from corpuskit.kernels.blocks import ALL_BITS, BLOCK, equal_mask, padded, range_mask
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import leading_zeros, trailing_zeros
from corpuskit.kernels.short_words import ShortWords, find_short, load_bytes
from corpuskit.kernels.token_parts import (
    ALONE,
    APOSTROPHE,
    ASTERISK,
    CARET,
    CLOSING,
    COLON,
    COMMA,
    DIGIT,
    DOT,
    EQUALS,
    FIRST_IDEOGRAPHS,
    GREATER,
    HYPHEN,
    HYPHEN_MINUS,
    LAST_IDEOGRAPHS,
    LESS,
    LETTER,
    LOWER_N,
    MARK,
    ONE,
    OPENING,
    PLUS,
    SLASH,
    SPACE_BITS,
    TILDE,
    UPPER,
    contraction_start,
    is_cannot,
    part_start,
    part_words,
    set_cut,
)
from corpuskit.kernels.utf8 import ALONE_RANGES, IDEOGRAPHIC_ZERO, PAGES, PLANES, CharacterTable, two_levels

ABBREVIATIONS = (
    "Mr. Mrs. Ms. Dr. Prof. Rev. Gen. Gov. Sen. Rep. Adm. St. Mt. Jr. Messrs. Co. co. Corp. Inc. Ltd. Bros. "
    "a.m. p.m. e.g. E.g. i.e. I.e. vs. v.s. "
    "Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. "
    "Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ill. Ind. Kan. Ky. La. Mass. Md. Mich. Minn. Miss. Mo. Mont. "
    "Neb. Nev. Okla. Ore. Pa. Tenn. Va. Wash. Wis."
)

CATEGORY_BITS = {
    "Lu": LETTER | UPPER,
    "Lt": LETTER | UPPER,
    "L": LETTER,
    "M": LETTER | MARK,
    "Nd": DIGIT,
    "P": OPENING | CLOSING,
    "Sc": OPENING,
    "So": ALONE,
}
"""Bits by category, or by its first letter."""

BOTH_ENDS, OPENING_ONLY = "!\"#&'()*,:;<>?[]_`{}´", "$%="
HYPHENS = "-~–—"
WIDE_PUNCTUATION = ((0x3000, 0x303F), (0xFF00, 0xFFEF))
JOINER = 0x200D

CONTEXT = 8
"""Bytes at either end of a window that are seen and not decided."""
NONE = np.uint64(0)
TWO = np.uint64(2)
TOP = np.uint64(1 << 63)


@functools.cache
def token_classes() -> CharacterTable:
    """Return the table of the bits of all code points."""
    flat = np.zeros(PAGES * 256, np.uint8)
    names = {unicodedata.category(chr(code)) for code in range(0x3000)}
    bits = {name: CATEGORY_BITS.get(name, CATEGORY_BITS.get(name[0], 0)) for name in names}
    for plane in PLANES:
        codes = range(plane << 16, (plane + 1) << 16)
        categories = map(unicodedata.category, map(chr, codes))
        flat[codes.start : codes.stop] = np.frombuffer(bytes(bits.get(name, 0) for name in categories), np.uint8)
    ascii_ = [ord(character) for character in map(chr, range(128)) if unicodedata.category(character)[0] in "PS"]
    flat[ascii_] = 0
    flat[[ord(mark) for mark in BOTH_ENDS]] = OPENING | CLOSING
    flat[[ord(mark) for mark in OPENING_ONLY]] = OPENING
    flat[[ord(hyphen) for hyphen in HYPHENS]] |= HYPHEN
    flat[JOINER] = MARK
    flat[ord("…")] = ALONE
    flat[[code for code in range(0x10000) if chr(code).isspace()]] = SPACE_BITS
    _set_alone(flat)
    return two_levels(flat)


def _set_alone(flat: np.ndarray) -> None:
    for first, last in ALONE_RANGES:
        block = flat[first : last + 1]
        block[((block & LETTER) != 0) & ((block & MARK) == 0)] = LETTER | ALONE
    flat[IDEOGRAPHIC_ZERO] = LETTER | ALONE
    for first, last in WIDE_PUNCTUATION:
        block = flat[first : last + 1]
        block[(block & OPENING) != 0] = ALONE


@functools.cache
def abbreviations() -> ShortWords:
    """Return the abbreviations that keep their full stop."""
    return ShortWords.of([word for word in ABBREVIATIONS.split() if len(word) <= 7])


@inlined
def _marks_at_ends(data, index):  # type: ignore[no-untyped-def]
    """Return the masks of the opening and of the closing marks of ASCII."""
    opening = (
        range_mask(data, index, 0x21, 0x2A) | range_mask(data, index, 0x3A, 0x3F) | range_mask(data, index, 0x5F, 0x60)
    )
    opening |= equal_mask(data, index, COMMA) | equal_mask(data, index, 0x5B) | equal_mask(data, index, 0x5D)
    opening |= equal_mask(data, index, 0x7B) | equal_mask(data, index, 0x7D)
    return opening, opening & ~(range_mask(data, index, 0x24, 0x25) | equal_mask(data, index, EQUALS))


@inlined
def _movable(data, index, opening, front, before_end):  # type: ignore[no-untyped-def]
    """Return the mask of the marks that may matter though they do not lie between letters or digits.

    Those are full stops, hyphens, `://` and what may come off an end; front: what does; before_end: what lies before
    the end of a word or a mark that comes off it.
    """
    marks = equal_mask(data, index, DOT) | equal_mask(data, index, HYPHEN_MINUS) | equal_mask(data, index, TILDE)
    marks |= equal_mask(data, index, COLON) & (equal_mask(data, index, SLASH) >> ONE)
    return marks | (opening & ((front << ONE) | before_end)) | range_mask(data, index, 0x80, 0xFF)


@inlined
def _is_abbreviation(data, index, place, bounds, slots, multiplier, shift):  # type: ignore[no-untyped-def]
    """Whether an abbreviation ends with the full stop at bit `place`; bounds: mask of what no piece goes beyond."""
    below = bounds & ((ONE << np.uint64(place)) - ONE)
    start = index + BLOCK - leading_zeros(below)
    length = index + place + 1 - start
    return find_short(load_bytes(data, start, length), length, slots, multiplier, shift) != NONE


@inlined
def _set_bits(cuts, index, mask):  # type: ignore[no-untyped-def]
    """Set the bits from bit `index` on that are set in the mask."""
    number, shift = index >> 6, np.uint64(index & 63)
    cuts[number] |= mask << shift
    cuts[number + 1] |= (mask >> ONE) >> (np.uint64(63) - shift)


@inlined
def _clear_bits(cuts, start, stop):  # type: ignore[no-untyped-def]
    for position in range(start, stop):
        cuts[position >> 6] &= ~(ONE << np.uint64(position & 63))


@inlined
def _kana(data, index):  # type: ignore[no-untyped-def]
    """Return the mask of the first bytes of letters of U+3040 to U+30FF."""
    second_81, second_82, second_83 = (
        equal_mask(data, index, 0x81),
        equal_mask(data, index, 0x82),
        equal_mask(data, index, 0x83),
    )
    hiragana = (second_81 << ONE) & range_mask(data, index, 0x81, 0xBF)
    mixed = (
        range_mask(data, index, 0x80, 0x96) | range_mask(data, index, 0x9D, 0x9F) | range_mask(data, index, 0xA1, 0xBF)
    )
    katakana = range_mask(data, index, 0x80, 0xBA) | range_mask(data, index, 0xBC, 0xBF)
    third = hiragana | ((second_82 << ONE) & mixed) | ((second_83 << ONE) & katakana)
    return equal_mask(data, index, 0xE3) & (third >> TWO)


@inlined
def _alone_leads(data, index):  # type: ignore[no-untyped-def]
    """Return the mask of the first bytes of most characters of three bytes that are alone in Chinese and Japanese.

    Those are U+4000 to U+9FFF; U+3001 to U+3020; kana; the punctuation of U+FF01 to U+FF20; and `…`.
    """
    leads = range_mask(data, index, FIRST_IDEOGRAPHS, LAST_IDEOGRAPHS)
    first = equal_mask(data, index, 0xE3)
    if first:
        second = equal_mask(data, index, 0x80) << ONE
        leads |= first & ((second & range_mask(data, index, 0x81, 0xA0)) >> TWO)
        if first & (range_mask(data, index, 0x81, 0x83) >> ONE):
            leads |= _kana(data, index)
    first = equal_mask(data, index, 0xEF) & (equal_mask(data, index, 0xBC) >> ONE)
    if first:
        third = range_mask(data, index, 0x81, 0x8A) | range_mask(data, index, 0x8C, 0x8F)
        third |= range_mask(data, index, 0x9A, 0x9B) | range_mask(data, index, 0x9F, 0xA0)
        leads |= first & (third >> TWO)
    first = equal_mask(data, index, 0xE2) & (equal_mask(data, index, 0x80) >> ONE)
    return leads | (first & (equal_mask(data, index, 0xA6) >> TWO))


@kernel
def _find_cuts(data, offsets, numbers, pages, slots, multiplier, shift, cuts):  # type: ignore[no-untyped-def]
    """Set the bits of uint64 `cuts`, zeros, one for each byte of `data`, padded, where tokens begin inside words.

    The text is seen through windows of 64 bytes. What most marks do is told by masks: at the ends of a word, between
    letters or digits; so is what is alone in Chinese. Pieces with other marks, or other characters beyond ASCII, are
    parted one by one.
    """
    for document in range(offsets.size - 1):
        begin, stop = offsets[document], offsets[document + 1]
        position = begin
        while position < stop:
            index = min(max(position - CONTEXT, 0), data.size - BLOCK)
            limit = stop if index + BLOCK >= stop else index + BLOCK - CONTEXT
            valid = (ALL_BITS << np.uint64(max(begin - index, 0))) & (
                ALL_BITS >> np.uint64(max(index + BLOCK - stop, 0))
            )
            decided = (ALL_BITS << np.uint64(position - index)) & (ALL_BITS >> np.uint64(index + BLOCK - limit))
            spaces = range_mask(data, index, 0x09, 0x0D) | range_mask(data, index, 0x1C, 0x20)
            leads = alone = NONE
            if range_mask(data, index, 0xE2, 0xEF) & valid:
                leads = _alone_leads(data, index) & valid
                alone = leads | (leads << ONE) | (leads << TWO)
            after_alone = alone & ~(alone >> ONE)
            outside = spaces | alone | ~valid
            upper, lower = range_mask(data, index, 0x41, 0x5A) & valid, range_mask(data, index, 0x61, 0x7A) & valid
            digits = range_mask(data, index, 0x30, 0x39) & valid
            letters = upper | lower
            words = letters | digits
            marks = ~(words | outside)
            nn = equal_mask(data, index, LOWER_N) & (equal_mask(data, index, LOWER_N) >> ONE) & decided
            if not (marks | nn) & decided:
                if leads:
                    _set_bits(cuts, index, (leads & decided) | ((after_alone & decided) << ONE))
                position = limit
                continue
            next_outside = (outside >> ONE) | (TOP if index + BLOCK >= stop else NONE)
            opening, closing = _marks_at_ends(data, index)
            front = opening & ((outside << ONE) | ONE)
            front |= opening & (front << ONE)
            front |= opening & (front << ONE)
            front &= marks
            bounds = outside | front
            dots = equal_mask(data, index, DOT) & valid
            final = (closing | (dots & ~(dots >> ONE) & ((words | closing) << ONE))) & marks
            back = final & next_outside
            back |= final & (back >> ONE)
            back |= final & (back >> ONE)
            between = marks & (words << ONE) & (words >> ONE)
            hyphens = equal_mask(data, index, HYPHEN_MINUS)
            commas = equal_mask(data, index, COMMA)
            signs = (
                equal_mask(data, index, COLON) | range_mask(data, index, LESS, GREATER) | equal_mask(data, index, SLASH)
            )
            operators = hyphens | range_mask(data, index, ASTERISK, PLUS) | equal_mask(data, index, CARET)
            apostrophes = equal_mask(data, index, APOSTROPHE) & between
            between &= hyphens | commas | signs | operators | dots | apostrophes
            others = marks & ~(front | back | between) & decided
            if others:
                others &= _movable(data, index, opening, front, next_outside | (back >> ONE))
            begin_other = stop
            if others:
                begin_other = part_start(data, begin, index + trailing_zeros(others))
                if begin_other <= position:
                    decided = NONE
                else:
                    decided &= ALL_BITS >> np.uint64(index + BLOCK - begin_other)
            around = (hyphens | signs) & (letters >> ONE)
            around |= operators & (digits << ONE) & (digits >> ONE)
            around |= commas & (letters << ONE) & (letters >> ONE)
            around |= dots & (lower << ONE) & (upper >> ONE)
            around &= between & decided
            ends = dots & back & (words << ONE)
            before = around | (((back & ~ends) | leads) & decided)
            second = (bounds << ONE) | ONE  # a word's first byte or what lies before it
            ends &= (digits | (lower & ~second) | (upper & (upper << ONE))) << ONE
            ends &= decided
            while ends:
                place = trailing_zeros(ends)
                if not _is_abbreviation(data, index, place, bounds, slots, multiplier, shift):
                    before |= ends & (~ends + ONE)
                ends &= ends - ONE
            apostrophes &= decided
            while apostrophes:
                place = trailing_zeros(apostrophes)
                apostrophes &= apostrophes - ONE
                end = min(index + place + trailing_zeros(outside >> np.uint64(place)), stop)
                place = contraction_start(data, index + place, index + place + 1, end, numbers, pages)
                if place >= 0:
                    set_cut(cuts, place)
            _set_bits(cuts, index, before | ((around | ((front | after_alone) & decided)) << ONE))
            nn &= decided
            while nn:
                place = trailing_zeros(nn)
                nn &= nn - ONE
                start = index + place - 2
                if start >= begin and start + 6 <= stop and is_cannot(data, start, start + 6):
                    opened = start == begin or (bounds >> np.uint64(place - 3)) & ONE
                    if opened and (start + 6 == stop or ((outside | back) >> np.uint64(place + 4)) & ONE):
                        set_cut(cuts, start + 3)
            if others:
                _clear_bits(cuts, begin_other + 1, position + 1)
                position = part_words(data, begin_other, stop, numbers, pages, slots, multiplier, shift, cuts)
            else:
                position = limit


def find_cuts(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return uint64[n_bytes // 64 + 2], bit i of which tells whether a token begins at byte i inside a whitespace word.

    Some bits are also set where whitespace words begin or end.

    Args:
        data: uint8[n_bytes], UTF-8; read-only and contiguous, as `Texts` holds it.
        offsets: int64[n + 1], document i is `data[offsets[i]:offsets[i + 1]]`; likewise.
    """
    table, known = token_classes(), abbreviations()
    data = padded(data)
    cuts = np.zeros(data.size // 64 + 2, np.uint64)
    _find_cuts(data, offsets, table.index, table.pages, known.slots, known.multiplier, known.shift, cuts)
    return fixed(cuts, np.uint64)
