"""Where sentences begin and end; what ends one is for `corpuskit.kernels.sentences` to say, so there are as many.

A sentence begins at its first character that is no white space, an opening quote included, and ends with its end marks,
closing quotes and brackets. Marks between two sentences that touch neither of them belong to none.
"""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.sentences import (
    BETWEEN,
    BLANK,
    ENDING,
    FULL_STOP,
    INSIDE,
    LINE_FEED,
    MARK,
    OTHER,
    WIDE_MARK,
    _ends_none,
    character_classes,
    count_sentences,
)
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import decode


@inlined
def _trimmed(data, start, end):  # type: ignore[no-untyped-def]
    """Return `end` without the ASCII white space before it."""
    while end > start and (data[end - 1] == 0x20 or 0x09 <= data[end - 1] <= 0x0D):
        end -= 1
    return end


@inlined
def _changes_nothing(byte):  # type: ignore[no-untyped-def]
    """Whether a byte inside a sentence is a character that neither ends it nor may: no mark, no line feed."""
    return byte < 0x80 and byte != 0x2E and byte != 0x0A and byte != 0x21 and byte != 0x3F


@inlined
def _after_mark(data, begin, position, kind):  # type: ignore[no-untyped-def]
    return INSIDE if kind == FULL_STOP and _ends_none(data, begin, position) else ENDING


@kernel
def _fill_document(data, begin, stop, classes, starts, ends, count):  # type: ignore[no-untyped-def]
    """Append the sentences of `data[begin:stop]` to starts and ends, both int64[m]; return their new number."""
    position, state, opening, last = begin, BETWEEN, -1, -1
    while position < stop:
        if state == INSIDE and _changes_nothing(data[position]):
            position += 1
            continue
        code, length = decode(data, position, stop)
        kind = classes[code]
        if state == BETWEEN and kind == OTHER:
            starts[count] = opening if opening >= 0 else position
            state = INSIDE
        elif state == BETWEEN:
            if kind in (BLANK, LINE_FEED):
                opening = -1
            elif position == last:  # one more end mark or closing quote
                last = position + length
                ends[count - 1] = last
            elif opening < 0:
                opening = position
        elif kind == OTHER:
            state = INSIDE
        elif kind in (LINE_FEED, WIDE_MARK) or (kind == BLANK and state == ENDING):
            last = position + length if kind == WIDE_MARK else _trimmed(data, starts[count], position)
            ends[count] = last
            count += 1
            state, opening = BETWEEN, -1
        elif kind in (MARK, FULL_STOP):
            state = _after_mark(data, begin, position, kind)
        position += length
    if state != BETWEEN:
        ends[count] = _trimmed(data, starts[count], stop)
        count += 1
    return count


@kernel
def _fill_sentences(data, offsets, classes, starts, ends):  # type: ignore[no-untyped-def]
    """Fill starts and ends, both int64[m]; return the number of sentences."""
    count = 0
    for document in range(offsets.size - 1):
        count = _fill_document(data, offsets[document], offsets[document + 1], classes, starts, ends, count)
    return count


def scan_sentences(texts: Texts) -> Spans:
    """Find the sentences of each document: as many as `count_sentences` says, in text order, without overlap."""
    offsets = np.concatenate([[0], np.cumsum(count_sentences(texts))])
    starts, ends = np.empty(offsets[-1], np.int64), np.empty(offsets[-1], np.int64)
    found = _fill_sentences(texts.data, texts.offsets, character_classes(), starts, ends)
    assert found == offsets[-1], f"{found} sentences were found, but {offsets[-1]} were counted"
    return Spans(texts.data, fixed(starts, np.int64), fixed(ends, np.int64), fixed(offsets, np.int64))
