"""The bytes that documents lose: units that go, with what parts them from their neighbours; or words, to the byte."""

import numpy as np

from corpuskit.kernels import Cuts, Spans, Texts, fixed, inlined, kernel

Ranges = Cuts
"""Byte ranges of n documents, that rise and do not touch."""
NEWLINE = np.uint8(10)


def unit_ranges(texts: Texts, units: Spans, goes: np.ndarray) -> Ranges:
    """Return the bytes of units that go (bool[m]), and of what parts them from others.

    Of the bytes before and after units in a row that go, those stay that have more line feeds, the ones before where
    they have as many; at the beginning of a text those before the first unit, at its end those after the last. A text
    that would keep no word loses all.
    """
    room = int(goes.sum()) + len(texts)
    starts, ends, offsets = np.empty(room, np.int64), np.empty(room, np.int64), np.zeros(len(texts) + 1, np.int64)
    arguments = units.starts, units.ends, units.offsets, fixed(goes, np.bool_)
    count = _unit_ranges(texts.data, texts.offsets, *arguments, starts, ends, offsets)
    return _finished(texts, starts[:count], ends[:count], offsets)


@inlined
def _line_feeds(data, start, end):  # type: ignore[no-untyped-def]
    count = 0
    for position in range(start, end):
        count += data[position] == NEWLINE
    return count


@kernel
def _unit_ranges(data, bounds, starts, ends, offsets, goes, cut_starts, cut_ends, cut_offsets):  # type: ignore[no-untyped-def]
    """Fill cut_starts and cut_ends, int64[], indices in data, and cut_offsets int64[n + 1]; return their number."""
    count = 0
    for document in range(bounds.size - 1):
        unit, stop = offsets[document], offsets[document + 1]
        while unit < stop:
            if not goes[unit]:
                unit += 1
                continue
            first = unit
            while unit < stop and goes[unit]:
                unit += 1
            start, end = starts[first], ends[unit - 1]
            if unit < stop:
                before = ends[first - 1] if first > offsets[document] else start
                left, right = _line_feeds(data, before, start), _line_feeds(data, end, starts[unit])
                if first > offsets[document] and right > left:
                    start = before
                else:
                    end = starts[unit]
            elif first > offsets[document]:
                start = ends[first - 1]
            cut_starts[count], cut_ends[count] = start, end
            count += 1
        cut_offsets[document + 1] = count
    return count


def byte_ranges(texts: Texts, documents: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Ranges:
    """Return ranges of bytes merged where they overlap or touch; empty ones go.

    Args:
        texts: n documents. One that would keep no word loses all.
        documents: int64[r], the document of each range.
        starts: int64[r], indices in the data, in any order.
        ends: int64[r].
    """
    order = np.argsort(starts, kind="stable")  # documents lie one after the other: this orders them too
    order = order[ends[order] > starts[order]]
    documents, starts, ends = documents[order], starts[order], ends[order]
    furthest = np.maximum.accumulate(ends) if ends.size else ends
    new = np.ones(starts.size, bool)
    new[1:] = (starts[1:] > furthest[:-1]) | (documents[1:] != documents[:-1])
    firsts = np.flatnonzero(new)
    merged = np.maximum.reduceat(ends, firsts) if firsts.size else ends
    offsets = np.searchsorted(documents[firsts], np.arange(len(texts) + 1))
    return _finished(texts, starts[firsts], merged, offsets)


def _finished(texts: Texts, starts: np.ndarray, ends: np.ndarray, offsets: np.ndarray) -> Ranges:
    """Return ranges (indices in the data) from the first byte of their documents; whole texts where nothing stays."""
    words = texts.words()
    arrays = [fixed(array, np.int64) for array in (starts, ends, offsets)]
    wordless = np.zeros(len(texts), np.bool_)
    _find_wordless(words.starts, words.offsets, *arrays, wordless)
    counts = np.diff(offsets)
    documents = np.repeat(np.arange(len(texts)), counts)
    stays = ~wordless[documents]
    stays[offsets[:-1][wordless]] = True  # the first range of such a text becomes all of it
    documents, bases = documents[stays], texts.offsets[:-1]
    starts = np.where(wordless[documents], 0, starts[stays] - bases[documents])
    ends = np.where(wordless[documents], texts.lengths()[documents], ends[stays] - bases[documents])
    bounds = np.concatenate([[0], np.cumsum(np.where(wordless, 1, counts))])
    exact = fixed(np.ones(len(texts)), np.bool_)
    return Ranges(fixed(starts, np.int64), fixed(ends, np.int64), fixed(bounds, np.int64), exact)


@kernel
def _find_wordless(words, word_offsets, starts, ends, offsets, wordless):  # type: ignore[no-untyped-def]
    """Fill wordless bool[n]: whether a document has ranges, and no word (words: their starts) begins beside them."""
    for document in range(offsets.size - 1):
        cut, last = offsets[document], offsets[document + 1]
        wordless[document] = cut < last
        for word in range(word_offsets[document], word_offsets[document + 1]):
            while cut < last and ends[cut] <= words[word]:
                cut += 1
            if cut == last or words[word] < starts[cut]:
                wordless[document] = False
                break
