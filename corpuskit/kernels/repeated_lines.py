r"""Repeated lines and paragraphs of each document.

Spans of bytes are compared by their 64-bit hashes (`corpuskit.kernels.hash_span`): two different ones are taken for one
about once in 2**64 pairs. What is a line, a paragraph, and white space around them, has two readings:

* stripped: lines are those of `split("\n")` without white space at both ends, blank ones left out. Paragraphs lie
  between blank lines, likewise stripped.
* as datatrove: lines are those of `re.split("\n+", text)`, so that a text which begins or ends with line feeds has an
  empty line there. Paragraphs are those of `re.split("\n{2,}", text.strip())`: only empty lines part them.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels.code_points import count_code_points
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.hashing import MULTIPLIER, hash_span
from corpuskit.kernels.repeats import table_bits
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import properties

UNITS, DUPLICATES, CHARACTERS, DUPLICATE_CHARACTERS = 0, 1, 2, 3
NO_SEED = np.uint64(0)


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


@inlined
def _is_visible_ascii(byte):  # type: ignore[no-untyped-def]
    return 0x20 < byte < 0x7F


@inlined
def _strip(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """Return (start, end) of `data[start:end]` without white space at its ends; most lines have none."""
    if start >= end or (_is_visible_ascii(data[start]) and _is_visible_ascii(data[end - 1])):
        return start, end
    return strip_span(data, start, end, index, pages)


@kernel
def _count_repeats(data, starts, ends, hashes, size, slots, counts):  # type: ignore[no-untyped-def]
    """Fill counts int64[4] from the spans [:size]; slots: uint32[], a table of items + 1."""
    bits = table_bits(2 * size)
    shift, mask = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
    for slot in range(1 << bits):
        slots[slot] = 0
    for item in range(size):
        length = count_code_points(data, starts[item], ends[item])
        counts[CHARACTERS] += length
        hashed = hashes[item]
        slot = (hashed * MULTIPLIER) >> shift
        while slots[slot] and hashes[slots[slot] - np.uint32(1)] != hashed:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot]:
            counts[DUPLICATES] += 1
            counts[DUPLICATE_CHARACTERS] += length
        else:
            slots[slot] = item + 1
    counts[UNITS] = size


@kernel
def _find_lines(data, starts, ends, hashes, stripped, index, pages, found_starts, found_ends, found_hashes):  # type: ignore[no-untyped-def]
    """Fill the found spans int64[] and their hashes uint64[] from the lines of a document; return their number."""
    size = 0
    for line in range(starts.size):
        start, end = starts[line], ends[line]
        if stripped:
            start, end = _strip(data, start, end, index, pages)
        if start == end and (stripped or 0 < line < starts.size - 1):
            continue
        found_starts[size], found_ends[size] = start, end
        unchanged = end - start == ends[line] - starts[line]
        found_hashes[size] = hashes[line] if unchanged else hash_span(data, start, end, NO_SEED)
        size += 1
    return size


@kernel
def _find_paragraphs(data, starts, ends, stripped, index, pages, found_starts, found_ends, found_hashes):  # type: ignore[no-untyped-def]
    """Fill the found spans int64[] and their hashes uint64[] from the lines of a document; return their number."""
    first, stop = strip_span(data, starts[0], ends[-1], index, pages)
    size, inside = 0, False
    for line in range(starts.size):
        start, end = max(starts[line], first), min(ends[line], stop)
        if stripped:
            start, end = _strip(data, start, end, index, pages)
        if start >= end:
            inside = False
            continue
        if not inside:
            found_starts[size] = start
            size += 1
        found_ends[size - 1] = end
        inside = True
    if not size and not stripped:
        found_starts[0] = found_ends[0] = first
        size = 1
    for span in range(size):
        found_hashes[span] = hash_span(data, found_starts[span], found_ends[span], NO_SEED)
    return size


@kernel
def _repeats(data, starts, ends, hashes, offsets, stripped, index, pages, lines, paragraphs):  # type: ignore[no-untyped-def]
    """Fill lines and paragraphs, both int64[documents, 4], zeros before."""
    room = 0
    for document in range(offsets.size - 1):
        room = max(room, offsets[document + 1] - offsets[document])
    spans = np.empty((2, room), np.int64)
    span_starts, span_ends = spans[0], spans[1]
    span_hashes, slots = np.empty(room, np.uint64), np.empty(1 << table_bits(2 * room), np.uint32)
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        begin, end = starts[first:last], ends[first:last]
        size = _find_lines(
            data, begin, end, hashes[first:last], stripped, index, pages, span_starts, span_ends, span_hashes
        )
        _count_repeats(data, span_starts, span_ends, span_hashes, size, slots, lines[document])
        size = _find_paragraphs(data, begin, end, stripped, index, pages, span_starts, span_ends, span_hashes)
        _count_repeats(data, span_starts, span_ends, span_hashes, size, slots, paragraphs[document])


def repeated_lines(texts: Texts, *, stripped: bool) -> tuple[SpanRepeats, SpanRepeats]:
    """Count the repeated lines and the repeated paragraphs of each document.

    Args:
        texts: n documents.
        stripped: which reading of the module's docstring; False: datatrove's.
    """
    lines, table = texts.lines(), properties()
    counts = np.zeros((2, len(texts), len(SpanRepeats._fields)), np.int64)
    _repeats(
        texts.data,
        lines.starts,
        lines.ends,
        lines.hashes(),
        lines.offsets,
        stripped,
        table.index,
        table.pages,
        counts[0],
        counts[1],
    )
    return SpanRepeats(*counts[0].T), SpanRepeats(*counts[1].T)
