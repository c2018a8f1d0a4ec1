"""Lines that a page has more than once: the first of each stays.

Two lines are the same if their bytes are, white space at their ends aside; wherever in the page they stand, next to one
another or not (as in C4's and CCNet's removal of lines; datatrove's and Gopher's rules only count such lines). Case
counts, unlike in C4: what goes is what the page still says elsewhere, to the letter.

Only lines with some number of letters and digits are looked at. Below 40, repeats are mostly meant: refrains, `CHAPTER
III.`, table cells, `return None`, rules and list marks, which have no letters at all. Of 437,565 lines of English
novels 7 go, of 380,552 Chinese ones 9. Cleaning twice changes nothing more.
"""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.lines import count_lines, keep_lines
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.hashing import hash_span
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import DIGIT, LETTER, decode, lookup, properties


@inlined
def _same(data, first, second, length):  # type: ignore[no-untyped-def]
    """Whether `data[first:][:length]` and `data[second:][:length]` are the same bytes."""
    for place in range(length):  # noqa: SIM110 (numba compiles no generators)
        if data[first + place] != data[second + place]:
            return False
    return True


@kernel
def _says_enough(data, start, end, minimum, index, pages):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` has at least so many letters and digits."""
    count, position = 0, start
    while position < end and count < minimum:
        code, length = decode(data, position, end)
        count += (lookup(index, pages, code) & (LETTER | DIGIT)) != 0
        position += length
    return count >= minimum


@kernel
def _find_repeats(data, starts, ends, offsets, minimum, index, pages, repeats):  # type: ignore[no-untyped-def]
    """Fill repeats bool[m]: whether an earlier line of the document is the same.

    A slot holds the number of a line; it belongs to the document in which that line is, so the set is never cleared.
    """
    most = 1
    for document in range(offsets.size - 1):
        most = max(most, offsets[document + 1] - offsets[document])
    size = 16
    while size < 2 * most:
        size *= 2
    slots, hashes = np.full(size, -1, np.int64), np.empty(size, np.uint64)
    stripped = np.empty((size, 2), np.int64)
    for document in range(offsets.size - 1):
        first = offsets[document]
        for line in range(first, offsets[document + 1]):
            repeats[line] = False
            if ends[line] - starts[line] < minimum or offsets[document + 1] - first == 1:
                continue
            start, end = strip_span(data, starts[line], ends[line], index, pages)
            if not _says_enough(data, start, end, minimum, index, pages):
                continue
            hashed = hash_span(data, start, end, np.uint64(0))
            slot = np.int64(hashed & np.uint64(size - 1))
            while slots[slot] >= first and not repeats[line]:
                found = hashes[slot] == hashed and stripped[slot, 1] - stripped[slot, 0] == end - start
                if found and _same(data, stripped[slot, 0], start, end - start):
                    repeats[line] = True
                slot = (slot + 1) & (size - 1)
            if not repeats[line]:
                slots[slot], hashes[slot] = line, hashed
                stripped[slot, 0], stripped[slot, 1] = start, end


class RepeatedLinesConfig(Config):
    """Lines that repeat an earlier line of their text, removed."""

    step: Literal["repeated_lines"] = "repeated_lines"
    """The cleaner\'s name."""
    min_characters: int = Field(40, ge=1)
    """Letters and digits that a line needs to be looked at; an ideograph is a letter."""


def clean(texts: pa.Array, config: RepeatedLinesConfig) -> Cleaned:
    """Remove the repeats; as `Cleaner.clean`."""
    batch, table = Texts.from_arrow(texts), properties()
    lines = batch.lines()
    repeats = np.empty(len(lines), np.bool_)
    minimum = config.min_characters
    _find_repeats(batch.data, lines.starts, lines.ends, lines.offsets, minimum, table.index, table.pages, repeats)
    return Cleaned(keep_lines(texts, lines, ~repeats), {"repeated_lines": count_lines(lines, fixed(repeats, np.bool_))})


REPEATED_LINES = Cleaner(
    name="repeated_lines",
    revision=1,
    source="corpuskit",
    config=RepeatedLinesConfig,
    counts={"repeated_lines": "lines removed that repeat an earlier line of the text"},
    clean=clean,
)
