"""The form in which lines, paragraphs and sentences are compared, hashed without being written down.

Characters in lower case (each by itself), decimal digits as 0, a run of white space as one blank, none at the ends;
punctuation (categories P*) and characters that do not print (Cc, Cf) left out. After CCNet's `normalize_for_dedup`
(https://github.com/facebookresearch/cc_net), which leaves out 34 marks of punctuation, none of ASCII, and keeps white
space inside a line as it is.
"""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np

from corpuskit.kernels import Spans, fixed, inlined, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER, hash_spans
from corpuskit.kernels.intrinsics import fold_multiply
from corpuskit.kernels.utf8 import PAGES, PLANES, CharacterTable, decode, lookup, two_levels

LEFT_OUT, BLANK = 0, 0x20
"""What characters become that are left out, and white space."""
SAYS = 1 << 24
"""Set in what letters and digits become."""
CODE = SAYS - 1
SEEDS = 1, 2
"""Of the two halves of a hash."""


class Hashed(NamedTuple):
    """Two hashes of each span, 128 bits together, and its letters and digits."""

    hashes: np.ndarray
    """uint64[m]."""
    checks: np.ndarray
    """uint64[m], independent of the first."""
    characters: np.ndarray
    """Letters (L*) and decimal digits (Nd); int64[m]."""


@functools.cache
def normal_forms() -> CharacterTable:
    """Return what each code point becomes, with the bit `SAYS` for letters and digits; uint32. Takes some 0.2 s."""
    flat = np.arange(PAGES * 256, dtype=np.uint32)
    for plane in PLANES:
        start = plane << 16
        flat[start : start + 0x10000] = [_normal_form(chr(code)) for code in range(start, start + 0x10000)]
    return two_levels(flat)


def _normal_form(character: str) -> int:
    category = unicodedata.category(character)
    if character.isspace():
        return BLANK
    if category[0] == "P" or category in ("Cc", "Cf"):
        return LEFT_OUT
    if category == "Nd":
        return SAYS | ord("0")
    return ord(character.lower()[0]) | (SAYS if category[0] == "L" else 0)


@inlined
def _form(data, position, end, index, pages):  # type: ignore[no-untyped-def]
    """Return (what the character at `position` becomes, its length in bytes)."""
    if data[position] < 0x80:
        return np.int64(pages[data[position]]), np.int64(1)
    code, length = decode(data, position, end)
    return lookup(index, pages, code), length


@kernel
def _hash_normal(data, starts, ends, index, pages, hashes, checks, characters):  # type: ignore[no-untyped-def]
    """Fill hashes and checks, both uint64[m], and characters int64[m]."""
    for span in range(starts.size):
        first, second = MULTIPLIER, FINISHER
        count, begun, parted = 0, False, False
        position, end = starts[span], ends[span]
        while position < end:
            form, length = _form(data, position, end, index, pages)
            position += length
            if form == LEFT_OUT:
                continue
            if form == BLANK:
                parted = begun
                continue
            if parted:
                first = fold_multiply(first ^ np.uint64(BLANK), MULTIPLIER)
                second = fold_multiply(second ^ np.uint64(BLANK), FINISHER)
            begun, parted = True, False
            count += form >= SAYS
            first = fold_multiply(first ^ np.uint64(form), MULTIPLIER)
            second = fold_multiply(second ^ np.uint64(form), FINISHER)
        hashes[span], checks[span], characters[span] = first, second, count


@kernel
def _count_characters(data, starts, ends, index, pages):  # type: ignore[no-untyped-def]
    """Return int64[m]: the letters and digits of each span."""
    counts = np.zeros(starts.size, np.int64)
    for span in range(starts.size):
        position, end = starts[span], ends[span]
        while position < end:
            form, length = _form(data, position, end, index, pages)
            counts[span] += form >= SAYS
            position += length
    return counts


def hash_units(spans: Spans, normalize: bool) -> Hashed:
    """Hash spans in their normal form, or byte for byte."""
    table = normal_forms()
    data, starts, ends = spans.data, spans.starts, spans.ends
    if not normalize:
        counts = _count_characters(data, starts, ends, table.index, table.pages)
        first, second = (hash_spans(data, starts, ends, seed) for seed in SEEDS)
        return Hashed(first, second, fixed(counts, np.int64))
    hashes, checks = np.empty(starts.size, np.uint64), np.empty(starts.size, np.uint64)
    characters = np.empty(starts.size, np.int64)
    _hash_normal(data, starts, ends, table.index, table.pages, hashes, checks, characters)
    return Hashed(fixed(hashes, np.uint64), fixed(checks, np.uint64), fixed(characters, np.int64))
