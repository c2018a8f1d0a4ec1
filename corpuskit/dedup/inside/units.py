"""The units that texts are made of: lines, paragraphs, sentences, words."""

import numpy as np

from corpuskit.dedup.inside.config import (
    AnyCut,
    RepeatedLinesConfig,
    RepeatedParagraphsConfig,
    RepeatedSpansConfig,
)
from corpuskit.kernels import Spans, Texts, fixed, kernel
from corpuskit.kernels.sentence_spans import scan_sentences
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import properties

Units = Spans
"""Units of a batch of documents, in text order; what lies between them belongs to none."""


def units_of(texts: Texts, config: AnyCut) -> Units:
    r"""Return the units that a step compares: lines of `split("\n")`, paragraphs, sentences or `unicode` words."""
    if isinstance(config, RepeatedLinesConfig):
        return texts.lines()
    if isinstance(config, RepeatedParagraphsConfig):
        return scan_paragraphs(texts)
    return scan_sentences(texts) if isinstance(config, RepeatedSpansConfig) else texts.words()


@kernel
def _fill_paragraphs(data, starts, ends, offsets, index, pages, found_starts, found_ends, found_offsets):  # type: ignore[no-untyped-def]
    """Fill found_starts and found_ends, int64[lines], and found_offsets int64[n + 1]; return how many there are."""
    count = 0
    for document in range(offsets.size - 1):
        inside = False
        for line in range(offsets[document], offsets[document + 1]):
            start, end = strip_span(data, starts[line], ends[line], index, pages)
            if start == end:
                inside = False
                continue
            if not inside:
                found_starts[count] = starts[line]
                count += 1
            found_ends[count - 1] = ends[line]
            inside = True
        found_offsets[document + 1] = count
    return count


def scan_paragraphs(texts: Texts) -> Spans:
    """Find the paragraphs of each document: its lines between blank ones, which hold white space at most."""
    lines, table = texts.lines(), properties()
    starts, ends = np.empty(len(lines), np.int64), np.empty(len(lines), np.int64)
    offsets = np.zeros(len(texts) + 1, np.int64)
    arguments = lines.starts, lines.ends, lines.offsets, table.index, table.pages
    count = _fill_paragraphs(texts.data, *arguments, starts, ends, offsets)
    return Spans(texts.data, *(fixed(array, np.int64) for array in (starts[:count], ends[:count], offsets)))


@kernel
def _count_within(word_starts, starts, ends):  # type: ignore[no-untyped-def]
    """Return int64[m]: how many of the rising `word_starts` lie in each span; spans in order, without overlap."""
    counts = np.zeros(starts.size, np.int64)
    word = 0
    for span in range(starts.size):
        while word < word_starts.size and word_starts[word] < starts[span]:
            word += 1
        while word < word_starts.size and word_starts[word] < ends[span]:
            counts[span] += 1
            word += 1
    return counts


def words_within(texts: Texts, units: Units) -> np.ndarray:
    """Return the number of `unicode` words that begin in each unit; int64[m]."""
    return _count_within(texts.words().starts, units.starts, units.ends)
