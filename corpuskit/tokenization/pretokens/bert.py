"""BERT's words: what lies between white space, with punctuation marks and ideographs each a word by itself.

White space is dropped: these words do not tile a text. Punctuation is category P and the other marks of ASCII, `$+<=>`
and the like; accents, case and control characters are left as they are: changing them is a normalisation. As
`BertPreTokenizer` of `tokenizers` 0.23 after its `BertNormalizer(handle_chinese_chars=True)`, down to its tables, in
which Unicode's later punctuation (LATER) and the ideographs U+2B820 to U+2B91F are like letters.
Source: https://github.com/google-research/bert/blob/master/tokenization.py
"""

import functools

import numpy as np

from corpuskit.kernels.blocks import BLOCK, append_places, block, equal_mask, padded, range_mask, span_bits
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import trailing_zeros
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import CharacterTable, decode, lookup, two_levels
from corpuskit.tokenization.pretokens.categories import PUNCTUATION, SPACE, categories
from corpuskit.tokenization.pretokens.tiling import rooms

IN_WORD, GAP, ALONE = 0, 1, 2
"""Classes of characters, as the scan's table gives them."""

IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B81F),
              (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F))  # fmt: skip
"""Code points (first, last) of what is alone."""

LATER = ((0x061D, 0x061D), (0x09FD, 0x0A76), (0x0C77, 0x0C84), (0x1B4E, 0x1B4F), (0x1B7D, 0x1B7F), (0x2E43, 0x2E5D),
         (0x10D6E, 0x10F89), (0x113D4, 0x1145D), (0x11660, 0x116B9), (0x1183B, 0x11FFF), (0x12FF1, 0x12FF2),
         (0x16D6D, 0x16FE2), (0x1E5FF, 0x1E95F))  # fmt: skip
"""Code points (first, last) among which is punctuation of Unicode 16, but not of the version that `tokenizers` has."""

FORMER = (0x166D, 0x111C9)
"""What was punctuation in that version, and is not in Unicode 16."""

NONE, ONE, TWO = np.uint64(0), np.uint64(1), np.uint64(2)
LAST = np.uint64(BLOCK - 1)


@functools.cache
def _classes() -> CharacterTable:
    """Return the table that gives each code point beyond ASCII its class."""
    bits = categories()
    flat = np.full(bits.size, IN_WORD, np.uint8)
    flat[bits == PUNCTUATION] = ALONE
    for first, last in LATER:
        flat[first : last + 1] = IN_WORD
    flat[list(FORMER)] = ALONE
    for first, last in IDEOGRAPHS:
        flat[first : last + 1] = ALONE
    flat[bits == SPACE] = GAP
    return two_levels(flat)


@inlined
def _ascii_marks(data, index):  # type: ignore[no-untyped-def]
    marks = range_mask(data, index, 0x21, 0x2F) | range_mask(data, index, 0x3A, 0x40)
    return marks | range_mask(data, index, 0x5B, 0x60) | range_mask(data, index, 0x7B, 0x7E)


@inlined
def _wide(data, index, shift, valid, position, stop, numbers, pages):  # type: ignore[no-untyped-def]
    """Return (bytes of white space beyond ASCII, where words are cut; both for this block and for the next).

    What is told from first bytes: U+00C0 to U+027F, U+0400 to U+047F and U+B000 to U+CFFF are in words; ideographs,
    U+4000 to U+9FFF but for the hexagrams, which begin with E4 B7, are alone.
    """
    hexagrams = equal_mask(data, index, 0xE4)
    hexagrams &= (equal_mask(data, index, 0xB7) >> ONE) | (ONE << LAST)  # the byte after the last is not seen
    alone = range_mask(data, index, 0xE4, 0xE9) & ~hexagrams
    sure = (
        alone
        | range_mask(data, index, 0xC3, 0xC9)
        | range_mask(data, index, 0xD0, 0xD1)
        | range_mask(data, index, 0xEB, 0xEC)
    )
    others = (range_mask(data, index, 0xC2, 0xF4) & ~sure) >> shift & valid
    alone = (alone >> shift) & valid
    cuts, cut_spill = alone | (alone << np.uint64(3)), alone >> np.uint64(61)
    gaps = gap_spill = NONE
    while others:
        place = trailing_zeros(others)
        others &= others - ONE
        code, length = decode(data, position + place, stop)
        character = lookup(numbers, pages, code)
        if character == GAP:
            here, beyond = span_bits(place, length)
            gaps, gap_spill = gaps | here, gap_spill | beyond
        elif character == ALONE:
            here, beyond = span_bits(place + length, 1)
            cuts, cut_spill = cuts | here | (ONE << np.uint64(place)), cut_spill | beyond
    return gaps, gap_spill, cuts, cut_spill


@kernel
def _scan(data, offsets, numbers, pages, starts, ends, word_offsets):  # type: ignore[no-untyped-def]
    """Fill starts int64[room], ends int64[room], word_offsets int64[n + 1]; return the number of words, -1: no room.

    data: padded. A word begins where a byte in a word follows one that is in none, and at each cut inside words.
    """
    opened = closed = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        last = gap_spill = cut_spill = NONE
        while position < stop:
            index, shift, valid = block(data.size, position, stop, 0)
            if opened + BLOCK > starts.size:
                return np.int64(-1)
            gaps = ((range_mask(data, index, 0x09, 0x0D) | equal_mask(data, index, 0x20)) >> shift) | gap_spill
            marks = (_ascii_marks(data, index) >> shift) & valid
            cuts = marks | (marks << ONE) | cut_spill
            next_cut = marks >> LAST
            gap_spill = cut_spill = NONE
            if (range_mask(data, index, 0x80, 0xFF) >> shift) & valid:
                wide_gaps, gap_spill, wide_cuts, cut_spill = _wide(
                    data, index, shift, valid, position, stop, numbers, pages
                )
                gaps, cuts = gaps | wide_gaps, cuts | wide_cuts
            cut_spill |= next_cut
            inside = valid & ~gaps
            before = (inside << ONE) | last
            begins, finishes = inside & (~before | cuts), before & (~inside | cuts)
            opened = append_places(begins, position, starts, opened)
            closed = append_places(finishes, position, ends, closed)
            last = inside >> LAST
            position += BLOCK
        if last:
            ends[closed] = stop
            closed += 1
        word_offsets[document + 1] = opened
    return opened


def scan_bert(texts: Texts) -> Spans:
    """Return the words of each document, without the white space between them."""
    table, data = _classes(), padded(texts.data)
    word_offsets = np.zeros(texts.offsets.size, np.int64)
    for room in rooms(texts):
        starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
        n_words = _scan(data, texts.offsets, table.index, table.pages, starts, ends, word_offsets)
        if n_words >= 0:
            break
    return Spans(
        texts.data, fixed(starts[:n_words], np.int64), fixed(ends[:n_words], np.int64), fixed(word_offsets, np.int64)
    )
