r"""Repeated lines and paragraphs of each document.

Lines are compared by their 64-bit hashes (`corpuskit.kernels.hash_span`), and paragraphs by a hash of those of their
lines: two different ones are taken for one about once in 2**64 pairs. What is a line, a paragraph, and white space
around them, has two readings:

* stripped: lines are those of `split("\n")` without white space at both ends, blank ones left out. Paragraphs lie
  between blank lines, likewise stripped.
* as datatrove: lines are those of `re.split("\n+", text)`, so that a text which begins or ends with line feeds has an
  empty line there. Paragraphs are those of `re.split("\n{2,}", text.strip())`: only empty lines part them.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels.code_points import count_code_points
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.hashing import MULTIPLIER, hash_span
from corpuskit.kernels.intrinsics import fold_multiply
from corpuskit.kernels.lines import NO_SEED, find_repeats
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import properties


class SpanRepeats(NamedTuple):
    """How many lines or paragraphs n documents have; characters are code points."""

    spans: np.ndarray
    """Lines or paragraphs; int64[n]."""
    duplicates: np.ndarray
    """Those that are equal to one before them; int64[n]."""
    characters: np.ndarray
    """Characters of all of them; int64[n]."""
    duplicate_characters: np.ndarray
    """Characters of the duplicates; int64[n]."""


N_COUNTS = len(SpanRepeats._fields)


@inlined
def _join_lines(data, starts, ends, hashes, characters, first, stop, begin, end):  # type: ignore[no-untyped-def]
    """Return (hash, characters) of `data[begin:end]`, which begins in the line `first` and ends in that before `stop`.

    Mostly nothing is cut off the first line and the last one, so that what is known of lines need only be joined.
    """
    hashed, count = np.uint64(0), stop - first - 1
    for line in range(first, stop):
        start, finish = max(starts[line], begin), min(ends[line], end)
        if start == starts[line] and finish == ends[line]:
            hashed = fold_multiply(hashed ^ hashes[line], MULTIPLIER)
            count += characters[line]
        else:
            hashed = fold_multiply(hashed ^ hash_span(data, start, finish, NO_SEED), MULTIPLIER)
            count += count_code_points(data, start, finish)
    return hashed, count


@kernel
def _find_paragraphs(  # type: ignore[no-untyped-def]
    data, starts, ends, hashes, characters, offsets, inner_starts, inner_ends, edges, index, pages
):
    """Return the paragraphs' hashes uint64[m], characters int64[m] and offsets int64[n + 1].

    A paragraph is made of lines in a row of which something lies inside the stripped text, and between the line's own
    inner_starts and inner_ends: from where the first one begins there to where the last one ends. A blank text has an
    empty one, if `edges`.
    """
    found_hashes, found_characters = np.empty(starts.size, np.uint64), np.empty(starts.size, np.int64)
    found_offsets = np.zeros(offsets.size, np.int64)
    size = np.int64(0)
    for document in range(offsets.size - 1):
        line, last = offsets[document], offsets[document + 1]
        text_start, text_end = strip_span(data, starts[line], ends[last - 1], index, pages)
        if edges and text_start == text_end:
            found_hashes[size], found_characters[size] = 0, 0
            size += 1
        while line < last:
            begin, end = max(inner_starts[line], text_start), min(inner_ends[line], text_end)
            first, inside = line, begin < end
            while inside:
                line += 1
                inside = line < last and max(inner_starts[line], text_start) < min(inner_ends[line], text_end)
            if line > first:
                end = min(inner_ends[line - 1], text_end)
                joined = _join_lines(data, starts, ends, hashes, characters, first, line, begin, end)
                found_hashes[size], found_characters[size] = joined
                size += 1
            line += 1
        found_offsets[document + 1] = size
    return found_hashes[:size], found_characters[:size], found_offsets


@kernel
def _count_repeats(characters, repeats, offsets, edges):  # type: ignore[no-untyped-def]
    """Return int64[n, 4]; of empty spans those count that begin or end a document, if `edges`."""
    counts = np.zeros((offsets.size - 1, N_COUNTS), np.int64)
    for document in range(offsets.size - 1):
        first, stop = offsets[document], offsets[document + 1]
        spans = duplicates = total = repeated = np.int64(0)
        for span in range(first, stop):
            length = characters[span]
            spans += length > 0
            duplicates += (length > 0) & repeats[span]
            total += length
            repeated += length * repeats[span]
        if edges:
            empty = np.int64(characters[first] == 0) + (stop - first > 1 and characters[stop - 1] == 0)
            spans += empty
            duplicates += empty == 2
        counts[document] = spans, duplicates, total, repeated
    return counts


def repeated_lines(texts: Texts, *, stripped: bool) -> tuple[SpanRepeats, SpanRepeats]:
    """Count the repeated lines and the repeated paragraphs of each document.

    Args:
        texts: n documents.
        stripped: which reading of the module's docstring; False: datatrove's.
    """
    whole, table, edges = texts.lines(), properties(), not stripped
    lines = whole.stripped() if stripped else whole
    counts = _count_repeats(lines.characters(), lines.repeats(), lines.offsets, edges)
    known = whole.starts, whole.ends, whole.hashes(), whole.characters(), whole.offsets
    found = _find_paragraphs(texts.data, *known, lines.starts, lines.ends, edges, table.index, table.pages)
    hashes, characters, offsets = (fixed(array, array.dtype) for array in found)
    of_paragraphs = _count_repeats(characters, find_repeats(hashes, characters, offsets), offsets, edges)
    return SpanRepeats(*counts.T), SpanRepeats(*of_paragraphs.T)
